import ArgumentParser
import EventModel
import NIOHTTP1

/// `custody search`.
struct SearchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Find events, or count them.",
        discussion: """
            Examples:
              custody search 'actor:octocat repo:acme/api' --since -7d
              custody search 'outcome:failure | top 10 actor'
              custody search 'artifact:sha256:9f2c*' --json

            Without a time, the last 24 hours are searched. Events come newest first. Exit status 1: nothing found.
            """)

    /// Events or rows that are shown unless `--limit` says otherwise.
    static let defaultLimit = 100
    /// Events asked for at a time: the most that the server gives, some ten megabytes.
    static let pageSize = 10_000

    @Argument(help: "The query; several words need no quotes that the shell does not need.")
    var query: [String] = []
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("From this time on: 2026-11-23, 2026-11-23T10:00:00Z or -24h.", valueName: "time"))
    var since: String?
    @Option(parsing: .unconditional, help: ArgumentHelp("Before this time.", valueName: "time"))
    var until: String?
    @Option(
        help: ArgumentHelp(
            "At most so many events or rows. [default: \(defaultLimit) events, all rows]", valueName: "n"))
    var limit: Int?
    @Flag(help: "Say how the answer was found.")
    var explain = false
    @Flag(help: "Events as they were sealed, also where their source was read again.")
    var sealed = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ClientOptions

    func validate() throws {
        guard limit ?? 1 > 0 else { throw ValidationError("--limit is at least 1") }
    }

    func run() async throws {
        let context = CommandContext.current
        let client = try server.client(context)
        let query = query.joined(separator: " ")
        var writer = SearchWriter(console: context.console, asJSON: output.json)
        var cursor: String?
        repeat {
            let body = body(query, shown: writer.shown, cursor: cursor)
            let answer = try await client.send(
                .post, "/v1/search", headers: [("Content-Type", "application/json")], body: body)
            guard answer.isSuccess else { throw failure(answer, query, client, context.console) }
            let page = SearchPage(answer.body)
            cursor = try JSONDocument.read(page.envelope) { json in
                if cursor == nil { note(json, context.console) }
                return try writer.take(json, page)
            }
            if let limit, writer.shown >= limit { break }
            if limit == nil, writer.kind == "events", writer.shown >= Self.defaultLimit { break }
        } while cursor != nil
        try writer.finish(isLimited: cursor != nil)
        guard writer.shown > 0 else { throw CommandFailure(.nothingFound, nil) }
    }

    private func body(_ query: String, shown: Int, cursor: String?) -> [UInt8] {
        var body = JSONObject()
        body.add("q", query)
        body.add("since", since)
        body.add("until", until)
        // Nobody knows before the first answer whether the query gives events or rows; the server's defaults are right for
        // both.
        body.add("limit", limit.map { min($0 - shown, Self.pageSize) })
        body.add("cursor", cursor)
        if explain { body.add("explain", true) }
        if sealed { body.add("reading", "sealed") }
        return body.text
    }

    /// The window that nobody asked for, and how the answer was found.
    private func note(_ answer: JSONValue, _ console: Console) {
        if explain {
            console.note("query    \(answer.text("canonical"))")
            console.note(
                "scanned  \(answer.text("stats.scanned_bytes")) bytes in \(answer.text("stats.took_ms")) ms; "
                    + "\(answer.text("stats.segments_read")) of \(answer.text("stats.segments")) segments read")
            let explanation = answer.text("explain")
            if !explanation.isEmpty { console.note(explanation) }
        }
        guard let window = answer["default_window"] else { return }
        var text = "note: the last 24 hours were searched (since \(EventColumns.seconds(window.text("since"))))"
        if let outside = window["hits_outside"]?.int64 {
            let more = window["more_outside"]?.bool == true ? "at least " : ""
            text +=
                "; \(outside == 0 ? "no" : more + String(outside)) \(outside == 1 ? "hit lies" : "hits lie") outside"
            guard outside > 0 else { return console.note(text) }
        }
        console.note(text + "; give --since for another time")
    }

    private func failure(
        _ answer: ServerAnswer, _ query: String, _ client: ServerClient, _ console: Console
    ) -> CommandFailure {
        guard let problem = answer.problem, let marked = problem.marked(in: query) else {
            return client.failure(answer)
        }
        console.note(marked)
        return CommandFailure(.refused, problem.text)
    }
}
