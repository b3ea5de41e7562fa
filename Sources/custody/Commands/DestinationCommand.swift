import ArgumentParser
import EventModel
import Foundation
import NIOHTTP1

/// `custody destination`.
struct DestinationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destination",
        abstract: "Where notifications of alerts go: add, try, and send again what was given up.",
        subcommands: [List.self, Add.self, Remove.self, Test.self, Notifications.self, Resend.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List destinations, with what waits and what was given up. Exit status 1: there is none.")

        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let answer = try await server.client().call(.get, "/v1/destinations")
            let columns = ResourceList([
                .init("name"), .init("kind"), .init("from", "minimum_severity"),
                .init("pending", isNumber: true, isRigid: true), .init("failed", isNumber: true, isRigid: true),
                .init("origin"), .init("address"),
            ])
            try DestinationCommand.list(answer, "destinations", columns, output, none: "no destinations")
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a destination from a file of JSON; - reads standard input.",
            discussion: """
                The members are those of `notifications` in the configuration file. Secrets are kept encrypted. Commands \
                are configured in that file alone.

                Example:
                  custody destination add chat.json
                with chat.json as
                  {"name": "chat", "kind": "slack", "url": "https://hooks.slack.com/…"}
                """)

        @Argument(help: ArgumentHelp("JSON.", valueName: "file")) var file: String
        @OptionGroup var server: ClientOptions

        func run() async throws {
            guard let data = FileManager.default.contents(atPath: file == "-" ? "/dev/stdin" : file) else {
                throw CommandFailure(.refused, "\(file): cannot be read")
            }
            let answer = try await server.client().call(.post, "/v1/destinations", body: [UInt8](data))
            try JSONDocument.read(answer) { json in
                try CommandContext.current.console.line(
                    VisibleText.of("\(json.text("name")): \(json.text("kind")), \(json.text("address"))"))
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a destination that was added; what waits for it is given up.")

        @Argument(help: "The destination's name.") var name: String
        @OptionGroup var server: ClientOptions

        func run() async throws {
            _ = try await server.client().call(.delete, "/v1/destinations/\(ServerAddress.encoded(name))")
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send a test message now, once. Exit status 1: it was not taken.")

        @Argument(help: "The destination's name.") var name: String
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let path = "/v1/destinations/\(ServerAddress.encoded(name))/test"
            let answer = try await server.client().call(.post, path)
            try JSONDocument.read(answer) { json in
                guard json["delivered"]?.bool == true else {
                    throw CommandFailure(.nothingFound, VisibleText.of("not taken: \(json.text("reason"))"))
                }
                try CommandContext.current.console.line("taken")
            }
        }
    }

    struct Notifications: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List notifications that were given up, wait or were delivered. Exit status 1: there is none.")

        @Option(help: ArgumentHelp("failed, pending or delivered.", valueName: "state")) var state = "failed"
        @Option(help: ArgumentHelp("Of one destination.", valueName: "name")) var destination: String?
        @Option(help: ArgumentHelp("At most so many.", valueName: "n")) var limit = 100
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let query =
                [("state", state), ("limit", String(limit))] + (destination.map { [("destination", $0)] } ?? [])
            let answer = try await server.client().call(.get, "/v1/notifications", query: query)
            let columns = ResourceList([
                .init("id"), .init("created", isRigid: true), .init("destination"), .init("subject"),
                .init("attempts", isNumber: true, isRigid: true), .init("error"),
            ])
            try DestinationCommand.list(answer, "notifications", columns, output, none: "no notifications")
        }
    }

    struct Resend: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send notifications again that were given up: one by its id, or all of a destination.")

        @Argument(help: "The notification's id.") var id: String?
        @Option(help: ArgumentHelp("All that were given up of this destination.", valueName: "name"))
        var destination: String?
        @OptionGroup var server: ClientOptions

        func validate() throws {
            guard (id == nil) != (destination == nil) else { throw ValidationError("give an id or --destination") }
        }

        func run() async throws {
            let path =
                id.map { "/v1/notifications/\(ServerAddress.encoded($0))/resend" }
                ?? "/v1/destinations/\(ServerAddress.encoded(destination ?? ""))/resend"
            let answer = try await server.client().call(.post, path)
            try JSONDocument.read(answer) { json in
                try CommandContext.current.console.line(VisibleText.of("\(json.text("resent")) will be sent again"))
            }
        }
    }

    private static func list(
        _ answer: [UInt8], _ member: String, _ columns: ResourceList, _ output: OutputOptions, none: String
    ) throws {
        try JSONDocument.read(answer) { json in
            let hasAny = try columns.write(json[member], asJSON: output.json, to: CommandContext.current.console)
            guard hasAny else { throw CommandFailure(.nothingFound, none) }
        }
    }
}
