import ArgumentParser
import CustodyServer
import EventModel

/// `custody hold`.
struct HoldCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: "Legal holds: events that outlive their retention.",
        subcommands: [Add.self, List.self, Release.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hold the events that a query finds now.",
            discussion: """
                The hold lists its members: events that come later are not in it. Without a time it means all times. It needs \
                no approver; its release does.

                Example:
                  custody hold add case-17 'actor:mallory'
                """)

        @Argument(help: "What the hold is called.") var name: String
        @Argument(help: "Which events.") var query: String
        @Option(parsing: .unconditional, help: ArgumentHelp("Only events from then on.", valueName: "time"))
        var since: String?
        @Option(parsing: .unconditional, help: ArgumentHelp("Only events before then.", valueName: "time"))
        var until: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let context = CommandContext.current
            var body = JSONObject()
            body.add("name", name)
            body.add("q", query)
            body.add("since", since)
            body.add("until", until)
            let answer = try await server.client(context).call(.post, "/v1/holds", body: body.text)
            try JSONDocument.read(answer) { json in
                if output.json { return try context.console.writeOutput(JSONDocument.line(json)) }
                try context.console.line("hold \(json.text("leaf")) covers \(json.text("events")) events")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the holds.")

        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let context = CommandContext.current
            let answer = try await server.client(context).call(.get, "/v1/holds")
            try JSONDocument.read(answer) { json in
                let columns = ResourceList([
                    .init("leaf", isNumber: true), .init("name"), .init("events", isNumber: true), .init("state"),
                    .init("placed", isRigid: true), .init("query"),
                ])
                let any = try columns.write(json.value(at: "holds"), asJSON: output.json, to: context.console)
                guard any else { throw CommandFailure(.nothingFound, "no holds") }
            }
        }
    }

    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a hold.",
            discussion: "Without --approval this writes a request for the approvers.")

        @Argument(help: ArgumentHelp("The hold's leaf, as `list` shows it.", valueName: "leaf")) var hold: UInt64
        @OptionGroup var approval: ApprovalOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            try await approval.run(
                "/v1/holds/\(hold)/release", .releaseHold, server, "custody hold release \(hold)"
            ) { $0.hold = hold }
        }
    }
}
