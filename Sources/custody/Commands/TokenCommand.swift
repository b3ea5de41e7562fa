import ArgumentParser
import EventModel
import NIOHTTP1
import QueryLanguage

/// `custody token`.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make, list and revoke tokens.",
        subcommands: [Create.self, List.self, Revoke.self])

    enum Scope: String, ExpressibleByArgument, CaseIterable { case ingest, read, audit, admin }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token. It is shown once.",
            discussion: """
                Example:
                  custody token create ci --scope ingest --source ci --expires 90d
                """)

        @Argument(help: "What the token is for.") var name: String
        @Option(help: "What it may do; repeat for several.") var scope: [Scope]
        @Option(help: ArgumentHelp("The only sources it may send as; repeat for several.", valueName: "name"))
        var source: [String] = []
        @Option(help: ArgumentHelp("When it ends: 90d, 2027-01-31 or 2027-01-31T00:00:00Z.", valueName: "time"))
        var expires: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func validate() throws {
            guard !scope.isEmpty else { throw ValidationError("a token needs a --scope: ingest, read, audit or admin") }
        }

        func run() async throws {
            let context = CommandContext.current
            var body = JSONObject()
            body.add("name", name)
            body.add("scopes", scope.map(\.rawValue))
            if !source.isEmpty { body.add("sources", source) }
            body.add("expires", try expiry(context.now())?.text)
            let answer = try await server.client(context).call(.post, "/v1/tokens", body: body.text)
            try JSONDocument.read(answer) { json in
                if output.json { return try context.console.writeOutput(JSONDocument.line(json)) }
                // The token alone on standard output: TOKEN=$(custody token create …).
                try context.console.line(VisibleText.of(json.text("token")))
                let expires = json.text("expires")
                context.console.note(
                    "token \(json.text("id")) for \(json.text("scopes"))"
                        + (expires.isEmpty ? "" : ", until \(EventColumns.seconds(expires))")
                        + "; it is shown this once and cannot be read again")
            }
        }

        private func expiry(_ now: Timestamp) throws -> Timestamp? {
            guard let expires else { return nil }
            if let duration = QueryDuration(parsing: expires) {
                return now.advanced(byNanoseconds: duration.nanoseconds)
            }
            guard let time = Timestamp(parsing: expires) else {
                throw CommandFailure(.usage, "`\(expires)` is no time: write 90d, 2027-01-31 or 2027-01-31T00:00:00Z")
            }
            return time
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List tokens; never their secrets.")

        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let answer = try await server.client().call(.get, "/v1/tokens")
            let columns = ResourceList([
                .init("id"), .init("name"), .init("scopes"), .init("sources"), .init("created", isRigid: true),
                .init("expires", isRigid: true), .init("last used", "last_used", isRigid: true),
                .init("revoked", isRigid: true),
            ])
            try JSONDocument.read(answer) { json in
                let hasAny = try columns.write(
                    json["tokens"], asJSON: output.json, to: CommandContext.current.console)
                guard hasAny else { throw CommandFailure(.nothingFound, "no tokens") }
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Revoke a token, at once and for good.")

        @Argument(help: "The token's id.") var id: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            _ = try await server.client().call(.delete, "/v1/tokens/\(ServerAddress.encoded(id))")
            let console = CommandContext.current.console
            guard output.json else { return try console.line(VisibleText.of("revoked \(id)")) }
            var object = JSONObject()
            object.add("id", id)
            object.add("revoked", true)
            try console.writeOutput(object.line)
        }
    }
}
