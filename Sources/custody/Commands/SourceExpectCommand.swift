import ArgumentParser
import EventModel
import Foundation
import NIOHTTP1

/// `custody source expect`.
struct SourceExpectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expect",
        abstract: "Say how often a source sends and which numbers it counts.",
        discussion: """
            Examples:
              custody source expect k8s --every 2h
              custody source expect ci --every 30m --quiet-hours 20:00-06:00
              custody source expect payments --sequence raw.seq --partition raw.shard
              custody source expect k8s --none

            What is given replaces what was expected before. A source that sends nothing for longer, outside its quiet hours (UTC), \
            and numbers that do not come within the grace time raise alerts.
            """)

    @Argument(help: "The source's name.") var name: String
    @Option(help: ArgumentHelp("The longest time between two events.", valueName: "duration")) var every: String?
    @Option(help: ArgumentHelp("With --every: when nothing is expected, in UTC.", valueName: "HH:MM-HH:MM"))
    var quietHours: String?
    @Option(help: ArgumentHelp("The field of a number that counts up by one.", valueName: "field"))
    var sequence: String?
    @Option(
        help: ArgumentHelp("With --sequence: what tells several sequences apart.", valueName: "field"))
    var partition: String?
    @Option(help: ArgumentHelp("With --sequence: how long a number may be late; 5m.", valueName: "duration"))
    var grace: String?
    @Flag(help: "Expect nothing any more.") var none = false
    @OptionGroup var output: OutputOptions
    @OptionGroup var server: ClientOptions

    func validate() throws {
        let wantsSomething = every != nil || sequence != nil
        guard none != wantsSomething else { throw ValidationError("give --every or --sequence, or --none") }
        guard quietHours == nil || every != nil else { throw ValidationError("--quiet-hours belongs to --every") }
        guard partition == nil && grace == nil || sequence != nil else {
            throw ValidationError("--partition and --grace belong to --sequence")
        }
    }

    func run() async throws {
        let client = try server.client()
        let path = "/v1/sources/\(ServerAddress.encoded(name))/expectations"
        if none {
            _ = try await client.call(.delete, path)
            return CommandContext.current.console.note("nothing is expected of the source \(name)")
        }
        var body = JSONObject()
        body.add("every", every)
        body.add("quiet_hours", quietHours)
        body.add("sequence", sequence)
        body.add("partition", partition)
        body.add("grace", grace)
        let console = CommandContext.current.console
        try JSONDocument.read(try await client.call(.put, path, body: body.text)) { json in
            if output.json { return try console.writeOutput(JSONDocument.line(json)) }
            try console.lines(CompletenessLines.of(json).map { VisibleText.of($0) })
        }
    }
}

/// How complete a source is, in lines for people.
enum CompletenessLines {
    static func of(_ json: JSONValue) -> [String] {
        var lines = [line("condition", json.text("condition"))]
        if let expected = json["expected"] { lines.append(line("expected", words(expected))) }
        let events = json.text("events")
        lines.append(line("events", events == "0" ? events : "\(events), the last \(json.text("last"))"))
        let quiet = json.text("quiet_since")
        if !quiet.isEmpty { lines.append(line("quiet", "since \(quiet)")) }
        let counts = ["duplicates", "rejected", "refused", "late", "ahead"]
            .filter { !["", "0"].contains(json.text($0)) }.map { "\(json.text($0)) \($0)" }
        if !counts.isEmpty { lines.append(line("counts", counts.joined(separator: ", "))) }
        guard let sequences = json["sequences"] else { return lines }
        lines.append(line("missing", "\(json.text("missing")) numbers now, \(json.text("gaps")) gaps told"))
        for sequence in sequences.elements {
            for hole in sequence["holes"]?.elements.map(\.self) ?? [] {
                let partition = sequence.text("partition")
                lines.append(
                    line(
                        "hole",
                        "\(hole.text("first")) to \(hole.text("last"))" + (partition.isEmpty ? "" : " of \(partition)"))
                )
            }
        }
        return lines
    }

    private static func words(_ expected: JSONValue) -> String {
        var words: [String] = []
        if let every = expected["every_seconds"]?.int64 {
            let hours = expected.text("quiet_hours")
            words.append("an event every \(every) seconds" + (hours.isEmpty ? "" : " but \(hours) UTC"))
        }
        let sequence = expected.text("sequence")
        if !sequence.isEmpty {
            let partition = expected.text("partition")
            words.append(
                "no hole in \(sequence)" + (partition.isEmpty ? "" : " of each \(partition)")
                    + " for \(expected.text("grace_seconds")) seconds")
        }
        return words.joined(separator: "; ")
    }

    private static func line(_ title: String, _ text: String) -> String {
        title.padding(toLength: 10, withPad: " ", startingAt: 0) + text
    }
}
