import ArgumentParser
import EventModel
import NIOCore

/// `custody tail`.
struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Watch events as they come in.",
        discussion: """
            Takes a filter, no stages; without one, alerts are shown as they open, too. The connection is made again when it breaks. What a slow reader or a break cost is \
            said on standard error; `custody search` finds those events.

            Examples:
              custody tail
              custody tail 'env:prod action:deploy.*' --json
            """)

    /// Waiting doubles from the first to the second with each attempt that fails.
    static let firstDelay = Duration.milliseconds(500)
    static let longestDelay = Duration.seconds(4)

    @Argument(help: "The filter; everything without one.")
    var query: [String] = []
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ClientOptions

    func run() async throws {
        let context = CommandContext.current
        let client = try server.client(context)
        // A tail has no end at which its server could be compared with what was seen of it.
        try await SeenLedgers(context)?.check(server: client)
        let query = query.joined(separator: " ")
        var writer = TailWriter(console: context.console, asJSON: output.json)
        var delay = Self.firstDelay
        var wasConnected = false
        while true {
            do {
                let body = try await client.stream("/v1/tail", query: [("q", query)])
                if wasConnected { context.console.note("note: connected again\(writer.gap)") }
                wasConnected = true
                delay = Self.firstDelay
                try await follow(body, client, &writer)
                context.console.note("note: the server ended the connection\(writer.gap)")
            } catch let failure as CommandFailure where failure.code == .unreachable && wasConnected {
                context.console.note("note: \(failure.reason ?? "the connection broke"); trying again")
            }
            try await context.sleep(delay)
            delay = min(delay * 2, Self.longestDelay)
        }
    }

    private func follow(
        _ body: some AsyncSequence<ByteBuffer, any Error>, _ client: ServerClient, _ writer: inout TailWriter
    ) async throws {
        var events = ServerSentEvents()
        var iterator = body.makeAsyncIterator()
        while true {
            let chunk: ByteBuffer?
            do {
                chunk = try await iterator.next()
            } catch {
                throw client.unreachable(error)
            }
            guard let chunk else { return }
            for message in try events.feed(chunk.readableBytesView) { try writer.take(message) }
        }
    }
}

/// Writes the messages of a live tail, each at once.
struct TailWriter {
    let console: Console
    let asJSON: Bool
    private let widths: [Int]
    private let table = TextTable(EventColumns.all)
    private var hasTitle = false
    private var lastIndex: String?

    init(console: Console, asJSON: Bool) {
        self.console = console
        self.asJSON = asJSON
        widths = EventColumns.streamingWidths(console)
    }

    /// What to say where events may have been missed.
    var gap: String { lastIndex.map { "; events after \($0) may be missing here" } ?? "" }

    mutating func take(_ message: ServerSentEvents.Message) throws {
        try JSONDocument.read(message.data) { json in
            guard message.event == "message" else {
                if message.event == "alert" { return try tell(json) }
                if message.event == "dropped" { console.note("note: \(json.text("dropped")) events dropped\(gap)") }
                return
            }
            lastIndex = message.id ?? lastIndex
            if asJSON { return try console.writeOutput(JSONDocument.line(json)) }
            if !hasTitle {
                hasTitle = true
                try console.line(console.bold(table.line(EventColumns.all.map(\.title), widths, console.width)))
            }
            let cells = EventColumns.cells(json).map { $0.isEmpty ? "-" : VisibleText.of($0) }
            try console.line(table.line(cells, widths, console.width))
        }
    }

    /// An alert between the events: one line, or with `--json` an object of the one member `alert`.
    private func tell(_ json: JSONValue) throws {
        let id = json.text("resource")
        let details = ["severity", "rule_title", "entity"].map { json.text("details." + $0) }
        guard !asJSON else {
            var alert = JSONObject()
            alert.add("id", id)
            for (name, value) in zip(["severity", "title", "entity"], details) { alert.add(name, value) }
            var line = JSONObject()
            line.add("alert", raw: alert.text)
            return try console.writeOutput(line.line)
        }
        let shown = details.map { VisibleText.of($0) }
        try console.line(
            console.bold("ALERT \(shown[0])  \(shown[1])  \(shown[2])") + "  custody alert show \(VisibleText.of(id))")
    }
}
