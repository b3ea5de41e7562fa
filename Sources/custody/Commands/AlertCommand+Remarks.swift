import ArgumentParser
import EventModel
import NIOHTTP1

extension AlertCommand {
    struct Comment: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a remark to an alert; closed ones take it too.")

        @Argument(help: "The alert's id.") var id: String
        @Argument(help: "What to say.") var text: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            var body = JSONObject()
            body.add("comment", text)
            try await AlertCommand.change(id, "comment", body, server, output)
        }
    }

    struct Reopen: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a verdict back: the alert is open again.")

        @Argument(help: "The alert's id.") var id: String
        @Option(help: ArgumentHelp("Why.", valueName: "text")) var comment: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            var body = JSONObject()
            body.add("comment", comment)
            try await AlertCommand.change(id, "reopen", body, server, output)
        }
    }

    struct Evidence: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The alert's events, each with its inclusion proof under the latest checkpoint.",
            discussion: """
                A proof is a C2SP tlog-proof: it verifies offline. With --json a line holds it whole; the table says whether \
                there is one. Exit status 1: the alert lists no event.
                """)

        @Argument(help: "The alert's id.") var id: String
        @Option(help: ArgumentHelp("At most so many.", valueName: "n")) var limit = 100
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func validate() throws {
            guard (1...1_000).contains(limit) else { throw ValidationError("--limit is between 1 and 1,000") }
        }

        func run() async throws {
            let console = CommandContext.current.console
            let path = "/v1/alerts/\(ServerAddress.encoded(id))/evidence"
            let answer = try await server.client().call(.get, path, query: [("limit", String(limit))])
            try JSONDocument.read(answer) { json in
                let entries = json["evidence"].map { Array($0.elements) } ?? []
                guard !entries.isEmpty else { throw CommandFailure(.nothingFound, "the alert lists no event") }
                if output.json {
                    for entry in entries { try console.writeOutput(JSONDocument.line(entry)) }
                } else {
                    var table = TextTable([.init(title: "event", isNumber: true, isRigid: true), .init(title: "proof")])
                    for entry in entries {
                        table.add([entry.text("index"), entry["proof"] == nil ? "not published yet" : "yes"])
                    }
                    try console.lines(table.lines(console))
                }
                if let more = json["unlisted_evidence"]?.int64, more > 0 {
                    console.note("note: \(more) more events matched than an alert lists")
                }
                if json["cursor"]?.scalarText != nil { console.note("note: there are more; give --limit for more") }
            }
        }
    }

    struct Incidents: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List incidents: alerts about one actor or resource that follow each other within a day.")

        @Flag(help: "Closed ones too.") var all = false
        @Option(help: ArgumentHelp("At most so many.", valueName: "n")) var limit = 100
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func validate() throws {
            guard (1...1_000).contains(limit) else { throw ValidationError("--limit is between 1 and 1,000") }
        }

        func run() async throws {
            let query = [("status", all ? "all" : "open"), ("limit", String(limit))]
            let answer = try await server.client().call(.get, "/v1/incidents", query: query)
            let columns = ResourceList([
                .init("id"), .init("severity"), .init("status"), .init("last seen", "last_seen", isRigid: true),
                .init("open", isNumber: true, isRigid: true), .init("closed", isNumber: true, isRigid: true),
                .init("events", "count", isNumber: true, isRigid: true), .init("entity"),
            ])
            try JSONDocument.read(answer) { json in
                let console = CommandContext.current.console
                guard try columns.write(json["incidents"], asJSON: output.json, to: console) else {
                    throw CommandFailure(.nothingFound, "no incidents")
                }
            }
        }
    }
}
