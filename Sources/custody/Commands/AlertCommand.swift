import ArgumentParser
import EventModel
import NIOHTTP1

/// `custody alert`.
struct AlertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alert",
        abstract: "Look at alerts and work on them.",
        subcommands: [
            List.self, Show.self, Evidence.self, Incidents.self, Acknowledge.self, Assign.self, Comment.self,
            Close.self,
            Reopen.self,
        ])

    static let columns = ResourceList([
        .init("id"), .init("severity"), .init("status"), .init("last seen", "last_seen", isRigid: true),
        .init("count", isNumber: true, isRigid: true), .init("title"), .init("entity"), .init("assignee"),
    ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List alerts, newest first. Exit status 1: there is none.")

        @Option(help: ArgumentHelp("open, acknowledged, closed; several with commas.", valueName: "status"))
        var status: String?
        @Option(
            help: ArgumentHelp(
                "This severity and worse: informational, low, medium, high, critical.", valueName: "severity"))
        var severity: String?
        @Option(help: ArgumentHelp("Alerts of one rule.", valueName: "id"))
        var rule: String?
        @Option(help: ArgumentHelp("Alerts about one actor or resource.", valueName: "name"))
        var entity: String?
        @Option(help: ArgumentHelp("Alerts of one incident.", valueName: "id"))
        var incident: String?
        @Option(help: ArgumentHelp("Alerts that somebody works on.", valueName: "name"))
        var assignee: String?
        @Option(help: ArgumentHelp("alert, signal (recorded, nobody was called) or all.", valueName: "kind"))
        var kind = "alert"
        @Option(help: ArgumentHelp("At most so many.", valueName: "n"))
        var limit = 100
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func validate() throws {
            guard (1...1_000).contains(limit) else { throw ValidationError("--limit is between 1 and 1,000") }
        }

        func run() async throws {
            let console = CommandContext.current.console
            let choices = [
                ("kind", kind), ("status", status), ("severity", severity), ("rule", rule), ("entity", entity),
                ("incident", incident), ("assignee", assignee),
            ]
            let query = choices.compactMap { name, value in value.map { (name, $0) } } + [("limit", String(limit))]
            let answer = try await server.client().call(.get, "/v1/alerts", query: query)
            try JSONDocument.read(answer) { json in
                guard try AlertCommand.columns.write(json["alerts"], asJSON: output.json, to: console) else {
                    throw CommandFailure(.nothingFound, "no alerts")
                }
                if json["cursor"]?.scalarText != nil { console.note("note: there are more; give --limit for more") }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one alert: why it was raised, by which events, and what to do.")

        @Argument(help: "The alert's id.") var id: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let client = try server.client()
            let answer = try await client.send(.get, "/v1/alerts/\(ServerAddress.encoded(id))")
            guard answer.isSuccess else {
                let failure = client.failure(answer)
                throw answer.status == 404 ? CommandFailure(.nothingFound, failure.reason) : failure
            }
            try AlertCommand.write(answer.body, asJSON: output.json)
        }
    }

    struct Acknowledge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ack", abstract: "Acknowledge an alert: somebody is looking at it.")

        @Argument(help: "The alert's id.") var id: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            try await AlertCommand.change(id, "ack", JSONObject(), server, output)
        }
    }

    struct Assign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give an alert to somebody, or to nobody.")

        @Argument(help: "The alert's id.") var id: String
        @Argument(help: "Who works on it; nobody when left out.") var assignee: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            var body = JSONObject()
            body.add("assignee", assignee)
            try await AlertCommand.change(id, "assign", body, server, output)
        }
    }

    struct Close: AsyncParsableCommand {
        enum Verdict: String, ExpressibleByArgument, CaseIterable {
            case truePositive = "true_positive"
            case falsePositive = "false_positive"
            case benign
        }

        static let configuration = CommandConfiguration(abstract: "Close an alert with a verdict.")

        @Argument(help: "The alert's id.") var id: String
        @Option(help: "What it turned out to be.") var verdict: Verdict
        @Option(help: ArgumentHelp("Why.", valueName: "text")) var comment: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            var body = JSONObject()
            body.add("verdict", verdict.rawValue)
            body.add("comment", comment)
            try await AlertCommand.change(id, "close", body, server, output)
        }
    }

    static func change(
        _ id: String, _ what: String, _ body: JSONObject, _ server: ClientOptions, _ output: OutputOptions
    ) async throws {
        let path = "/v1/alerts/\(ServerAddress.encoded(id))/\(what)"
        try write(try await server.client().call(.post, path, body: body.text), asJSON: output.json)
    }

    private static func write(_ answer: [UInt8], asJSON: Bool) throws {
        let console = CommandContext.current.console
        try JSONDocument.read(answer) { alert in
            if asJSON { return try console.writeOutput(JSONDocument.line(alert)) }
            try console.lines(AlertSheet.lines(alert, console))
        }
    }
}

/// One alert for people.
enum AlertSheet {
    private static let fields = [
        "id", "kind", "severity", "status", "rule", "rule_version", "rule_sha256", "owner", "entity", "incident",
        "source_name", "count", "silenced", "first_seen", "last_seen", "assignee", "verdict", "comment", "tags",
    ]

    static func lines(_ alert: JSONValue, _ console: Console) -> [String] {
        var lines = [console.bold(VisibleText.of(alert.text("title"))), ""]
        for field in fields {
            let text = alert.text(field)
            guard !text.isEmpty else { continue }
            let label = field.replacing("_", with: " ")
            lines.append(console.dim(label) + String(repeating: " ", count: 13 - label.count) + VisibleText.of(text))
        }
        lines += list("because", alert["explanation"], console)
        let runbook = alert.text("runbook")
        if !runbook.isEmpty { lines += ["", console.bold("do first"), "  " + VisibleText.of(runbook)] }
        lines += activity(alert, console)
        if let evidence = alert["evidence"] {
            let indexes = evidence.elements.compactMap(\.scalarText)
            lines += ["", console.bold("events")] + indexes.map { "  custody show \(VisibleText.of($0))" }
            if let more = alert["unlisted_evidence"]?.int64, more > 0 { lines.append("  and \(more) more") }
        }
        return lines
    }

    private static func activity(_ alert: JSONValue, _ console: Console) -> [String] {
        let entries = alert["activity"].map { Array($0.elements) } ?? []
        guard !entries.isEmpty else { return [] }
        return ["", console.bold("activity")]
            + entries.map { entry in
                let detail = entry.text("detail")
                let actor = entry.text("actor")
                let head =
                    "\(EventColumns.seconds(entry.text("time"))) \(actor.isEmpty ? "custody" : actor) \(entry.text("kind"))"
                return "  " + VisibleText.of(detail.isEmpty ? head : "\(head): \(detail)")
            }
    }

    private static func list(_ title: String, _ values: JSONValue?, _ console: Console) -> [String] {
        let texts = values?.elements.compactMap(\.scalarText) ?? []
        return texts.isEmpty ? [] : ["", console.bold(title)] + texts.map { "  " + VisibleText.of($0) }
    }
}
