import ArgumentParser
import EventModel
import Foundation
import NIOHTTP1

/// `custody source renormalise`.
struct SourceRenormaliseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renormalise",
        abstract: "Read what a source sent before again, with the connectors of today.",
        discussion: """
            Examples:
              custody source renormalise acme --dry-run   what would change
              custody source renormalise acme --since -30d
              custody source renormalise acme --stop

            What is sealed stays as it is; searches see the new reading, labelled in norm.overlay, once all of it is made. \
            The server does it in the background, one source at a time. Exit status 1: nothing reads otherwise, or the run \
            was stopped.
            """)

    @Argument(help: "The source's name.") var name: String
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Only events received from then on; older ones keep the reading that they have.", valueName: "time"))
    var since: String?
    @Flag(help: "Say what would read otherwise, and change nothing.") var dryRun = false
    @Flag(help: "Begin, and do not wait for the end.") var detach = false
    @Flag(help: "End the run of this source; nothing changes then.") var stop = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ClientOptions

    func validate() throws {
        guard !stop || since == nil && !dryRun && !detach else {
            throw ValidationError("--stop stands alone")
        }
    }

    func run() async throws {
        let context = CommandContext.current
        let client = try server.client(context)
        guard !stop else { return try await end(client, context.console) }
        var body = JSONObject()
        body.add("since", since)
        if dryRun { body.add("dry_run", true) }
        var answer = try await client.call(
            .post, "/v1/sources/\(ServerAddress.encoded(name))/renormalise", body: body.text)
        while !detach, try isRunning(answer, context.console) {
            try await context.sleep(.milliseconds(500))
            answer = try await client.call(.get, "/v1/renormalisation")
        }
        context.console.endProgress()
        try finish(answer, context.console)
    }

    private func end(_ client: ServerClient, _ console: Console) async throws {
        let running = try await client.call(.get, "/v1/renormalisation")
        let isOurs = try JSONDocument.read(running) { $0.text("source") == name && $0.text("state") == "running" }
        guard isOurs else { throw CommandFailure(.nothingFound, "\(name) is not being read again") }
        let answer = try await client.call(.delete, "/v1/renormalisation")
        try JSONDocument.read(answer) { try write($0, console) }
    }

    private func isRunning(_ answer: [UInt8], _ console: Console) throws -> Bool {
        try JSONDocument.read(answer) { json in
            guard json.text("state") == "running" else { return false }
            console.progress(
                "\(json.text("read")) of \(json.text("events")) events read again, \(json.text("differing")) otherwise")
            return true
        }
    }

    private func finish(_ answer: [UInt8], _ console: Console) throws {
        try JSONDocument.read(answer) { json in
            try write(json, console)
            switch json.text("state") {
            case "failed": throw CommandFailure(.refused, "not read again: \(json.text("reason"))")
            case "stopped": throw CommandFailure(.nothingFound, "stopped; nothing has changed")
            case "done":
                guard json["differing"]?.int64 != 0 else { throw CommandFailure(.nothingFound, nil) }
            default: console.note("it goes on in the background; `custody source renormalise \(name) --stop` ends it")
            }
        }
    }

    private func write(_ json: JSONValue, _ console: Console) throws {
        if output.json { return try console.writeOutput(JSONDocument.line(json)) }
        var lines: [String] = []
        for example in json["examples"]?.elements.map(\.self) ?? [] {
            lines.append("event \(example.text("index"))")
            for difference in example["differences"]?.elements.map(\.self) ?? [] {
                let (sealed, now) = (difference["sealed"]?.scalarText, difference["now"]?.scalarText)
                lines.append("  \(difference.text("field"))  \(sealed ?? "(absent)") -> \(now ?? "(absent)")")
            }
        }
        if !lines.isEmpty { lines.append("") }
        let verb = json["dry_run"]?.bool == true ? "would read otherwise" : "read otherwise"
        lines.append(
            "\(json.text("read")) of \(json.text("events")) events looked at: \(json.text("differing")) \(verb)"
                + " than they were sealed")
        for (count, meaning) in [
            ("unreadable", "cannot be read by a connector of today and stay as sealed"),
            ("untouched", "are of no connector, or something of them was destroyed"),
            ("kept", "older ones keep the reading that they had"),
        ] where !["", "0"].contains(json.text(count)) {
            lines.append("\(json.text(count)) \(meaning)")
        }
        let connectors = json["connectors"]?.members.map { "\($0.key.text) (\($0.value.scalarText ?? ""))" } ?? []
        if !connectors.isEmpty { lines.append("by \(connectors.joined(separator: ", "))") }
        try console.lines(lines.map { VisibleText.of($0) })
    }
}
