import ArgumentParser
import EventModel
import NIOHTTP1

/// `custody rule silence`.
struct RuleSilenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "silence",
        abstract: "Keep alerts of some kind from notifications for a while. They are recorded all the same.",
        subcommands: [Add.self, Preview.self, List.self, Show.self, End.self])

    static let columns = ResourceList([
        .init("id"), .init("active"), .init("hidden", isNumber: true, isRigid: true), .init("expires", isRigid: true),
        .init("author"), .init("rule"), .init("entity"), .init("tag"), .init("source"), .init("reason"),
    ])

    struct Scope: ParsableArguments {
        @Option(help: ArgumentHelp("The rule.", valueName: "id")) var rule: String?
        @Option(help: ArgumentHelp("The actor or resource; * and ? are wildcards.", valueName: "pattern"))
        var entity: String?
        @Option(help: ArgumentHelp("A tag of the rule; * and ? are wildcards.", valueName: "pattern")) var tag: String?
        @Option(help: ArgumentHelp("The source's name or kind; * and ? are wildcards.", valueName: "pattern"))
        var source: String?
        @Option(help: ArgumentHelp("Nothing worse than this.", valueName: "severity")) var maximumSeverity: String?

        func validate() throws {
            guard rule != nil || entity != nil || tag != nil || source != nil else {
                throw ValidationError("name what to silence: --rule, --entity, --tag or --source")
            }
        }

        func add(to body: inout JSONObject) {
            body.add("rule", rule)
            body.add("entity", entity)
            body.add("tag", tag)
            body.add("source", source)
            body.add("maximum_severity", maximumSeverity)
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Begin a silence; author, reason and end are on record.",
            discussion: """
                Example:
                  custody rule silence add --entity 'ci-*' --for 4h --reason CHG-1234
                """)

        @OptionGroup var scope: Scope
        @Option(name: .customLong("for"), help: ArgumentHelp("How long: 30m, 4h, 7d.", valueName: "duration"))
        var duration: String?
        @Option(help: ArgumentHelp("When it ends, instead of --for.", valueName: "time")) var until: String?
        @Option(help: ArgumentHelp("Why.", valueName: "text")) var reason: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func validate() throws {
            guard (duration == nil) != (until == nil) else {
                throw ValidationError("give --for or --until: no silence is for ever")
            }
        }

        func run() async throws {
            var body = JSONObject()
            scope.add(to: &body)
            body.add("reason", reason)
            body.add("duration", duration)
            body.add("expires", until)
            let answer = try await server.client().call(.post, "/v1/silences", body: body.text)
            try JSONDocument.read(answer) { json in
                let console = CommandContext.current.console
                if output.json { return try console.writeOutput(JSONDocument.line(json)) }
                try console.line(VisibleText.of("silence \(json.text("id")) until \(json.text("expires"))"))
            }
        }
    }

    struct Preview: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a silence would have hidden. Exit status 1: nothing.")

        @OptionGroup var scope: Scope
        @Option(parsing: .unconditional, help: ArgumentHelp("How far back to look.", valueName: "time"))
        var since = "-7d"
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            var body = JSONObject()
            scope.add(to: &body)
            body.add("since", since)
            let answer = try await server.client().call(.post, "/v1/silences/preview", body: body.text)
            try JSONDocument.read(answer) { json in
                let console = CommandContext.current.console
                guard try AlertCommand.columns.write(json["alerts"], asJSON: output.json, to: console) else {
                    throw CommandFailure(.nothingFound, "it would have hidden nothing")
                }
                console.note("\(json.text("alert_count")) alerts with \(json.text("match_count")) events")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List silences. Exit status 1: there is none.")

        @Flag(help: "Those that have ended too.") var all = false
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let answer = try await server.client().call(.get, "/v1/silences", query: all ? [("all", "true")] : [])
            try JSONDocument.read(answer) { json in
                let console = CommandContext.current.console
                guard try RuleSilenceCommand.columns.write(json["silences"], asJSON: output.json, to: console) else {
                    throw CommandFailure(.nothingFound, "no silences")
                }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a silence and what it has hidden.")

        @Argument(help: "The silence's id.") var id: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let answer = try await server.client().call(.get, "/v1/silences/\(ServerAddress.encoded(id))")
            try JSONDocument.read(answer) { json in
                let console = CommandContext.current.console
                if output.json { return try console.writeOutput(JSONDocument.line(json)) }
                for name in [
                    "id", "active", "rule", "entity", "tag", "source", "maximum_severity", "reason", "author",
                    "created",
                    "expires", "ended", "ended_by", "hidden",
                ] {
                    let text = json.text(name)
                    guard !text.isEmpty else { continue }
                    let label = name.replacing("_", with: " ")
                    try console.line(label + String(repeating: " ", count: 18 - label.count) + VisibleText.of(text))
                }
                for entry in json["alerts"].map({ Array($0.elements) }) ?? [] {
                    try console.line(
                        VisibleText.of(
                            "  \(entry.text("hidden")) × custody alert show \(entry.text("alert.id"))  \(entry.text("alert.title"))"
                        ))
                }
            }
        }
    }

    struct End: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a silence before its time.")

        @Argument(help: "The silence's id.") var id: String
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let answer = try await server.client().call(.delete, "/v1/silences/\(ServerAddress.encoded(id))")
            try JSONDocument.read(answer) { json in
                let console = CommandContext.current.console
                if output.json { return try console.writeOutput(JSONDocument.line(json)) }
                try console.line(
                    VisibleText.of("silence \(json.text("id")) has ended; it hid \(json.text("hidden")) events"))
            }
        }
    }
}
