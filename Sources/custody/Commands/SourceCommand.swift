import ArgumentParser
import EventModel
import Foundation
import NIOHTTP1

/// `custody source`.
struct SourceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "source",
        abstract: "Set up where events come from, and try connectors.",
        subcommands: [
            List.self, SourceShowCommand.self, Add.self, SourceConnectCommand.self, SourceExpectCommand.self,
            Rotate.self,
            Disable.self, Enable.self, SourceRenormaliseCommand.self,
            SourceQuarantineCommand.self, Catalogue.self, SourceTestCommand.self,
        ])

    static let columns = ResourceList([
        .init("name"), .init("connector"), .init("enabled"), .init("secret", "has_secret"), .init("hook"),
        .init("reads", "pull"), .init("condition"),
        .init("created", isRigid: true),
    ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the configured sources.")

        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let answer = try await server.client().call(.get, "/v1/sources")
            try SourceCommand.list(answer, "sources", SourceCommand.columns, output, none: "no sources")
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a source.",
            discussion: """
                Examples:
                  custody source add acme --connector github-webhook --generate-secret
                  custody source add k8s --connector kubernetes-audit --secret-file secret.txt
                  custody source add gh --github-organization acme \\
                    --github-token-file token.txt

                A secret never stands on the command line, where everybody on the machine could read it.
                """)

        @Argument(help: "The source's name.") var name: String
        @Option(help: ArgumentHelp("The kind of source; see `custody source catalog`.", valueName: "name"))
        var connector: String?
        @Option(help: ArgumentHelp("A file with the provider's secret; - reads standard input.", valueName: "file"))
        var secretFile: String?
        @Flag(help: "Make a secret and show it once.") var generateSecret = false
        @Option(help: ArgumentHelp("The retention class of its events; 0 without.", valueName: "number"))
        var retentionClass: UInt16?
        @OptionGroup var github: GitHubOptions
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func validate() throws {
            guard secretFile == nil || !generateSecret else {
                throw ValidationError("--secret-file and --generate-secret exclude each other")
            }
        }

        func run() async throws {
            var body = JSONObject()
            body.add("name", name)
            body.add("connector", connector ?? (github.isGiven ? "github-webhook" : "auto"))
            body.add("secret", try SourceCommand.secret(secretFile))
            if generateSecret { body.add("generate_secret", true) }
            body.add("retention_class", retentionClass.map { Int($0) })
            let client = try server.client()
            // Read before anything is made, so that a file that is not there leaves nothing half done.
            let connection = github.isGiven ? try github.body(secret: SourceCommand.secret) : nil
            try SourceCommand.write(try await client.call(.post, "/v1/sources", body: body.text), client, output)
            guard let connection else { return }
            let answer = try await client.call(
                .put, "/v1/sources/\(ServerAddress.encoded(name))/github", body: connection)
            try SourceShowCommand.write(answer, output)
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a source a new secret.",
            discussion: "Without --secret-file one is made and shown once. The old one stays valid for a while.")

        @Argument(help: "The source's name.") var name: String
        @Option(help: ArgumentHelp("A file with the new secret; - reads standard input.", valueName: "file"))
        var secretFile: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            var body = JSONObject()
            body.add("secret", try SourceCommand.secret(secretFile))
            let client = try server.client()
            let path = "/v1/sources/\(ServerAddress.encoded(name))/rotate"
            try SourceCommand.write(try await client.call(.post, path, body: body.text), client, output)
        }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Refuse what a source sends from now on.")
        @Argument(help: "The source's name.") var name: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws { try await SourceCommand.setEnabled(false, name, server, output) }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Accept what a disabled source sends again.")
        @Argument(help: "The source's name.") var name: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws { try await SourceCommand.setEnabled(true, name, server, output) }
    }

    struct Catalogue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "catalog", abstract: "List the connectors that the server has.")

        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let answer = try await server.client().call(.get, "/v1/connectors")
            let columns = ResourceList([.init("name"), .init("version", isNumber: true), .init("title")])
            try SourceCommand.list(answer, "connectors", columns, output, none: "no connectors")
        }
    }

    static func list(
        _ answer: [UInt8], _ member: String, _ columns: ResourceList, _ output: OutputOptions, none: String
    ) throws {
        try JSONDocument.read(answer) { json in
            let hasAny = try columns.write(json[member], asJSON: output.json, to: CommandContext.current.console)
            guard hasAny else { throw CommandFailure(.nothingFound, none) }
        }
    }

    private static func setEnabled(
        _ enabled: Bool, _ name: String, _ server: ClientOptions, _ output: OutputOptions
    ) async throws {
        var body = JSONObject()
        body.add("enabled", enabled)
        let client = try server.client()
        let path = "/v1/sources/\(ServerAddress.encoded(name))"
        try write(try await client.call(.patch, path, body: body.text), client, output)
    }

    /// One source after a change, with the secret that was just made.
    private static func write(_ answer: [UInt8], _ client: ServerClient, _ output: OutputOptions) throws {
        let console = CommandContext.current.console
        try JSONDocument.read(answer) { json in
            if output.json { return try console.writeOutput(JSONDocument.line(json)) }
            let state = json["enabled"]?.bool == false ? "disabled" : "enabled"
            var lines = ["source    \(json.text("name")) (\(json.text("connector")), \(state))"]
            lines.append("hook      \(client.address.text)\(json.text("hook"))")
            let secret = json.text("secret")
            if !secret.isEmpty { lines.append("secret    \(secret)") }
            try console.lines(lines.map { VisibleText.of($0) })
            if !secret.isEmpty { console.note("the secret is shown this once and cannot be read again") }
        }
    }

    /// The secret in a file, without the line feed at its end.
    static func secret(_ file: String?) throws -> String? {
        guard let file else { return nil }
        let path = file == "-" ? "/dev/stdin" : file
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.refused, "\(file): cannot be read")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw CommandFailure(.refused, "\(file): not valid UTF-8")
        }
        let secret = text.trimmingCharacters(in: .newlines)
        guard !secret.isEmpty else { throw CommandFailure(.refused, "\(file): holds no secret") }
        return secret
    }
}
