import EventModel
import Foundation
import NIOHTTP1

extension DoctorCommand {
    /// Columns that the answer takes.
    private static let answerWidth = 13
    /// Events of evidence that are shown of one incident; `--json` has all that the server sent.
    private static let shownEvents = 5

    /// Asks the server whether its events show known incidents, and says what it answered.
    ///
    /// - Throws: ``CommandFailure`` with status 1 when one of the answers is yes.
    func tellIncidents(_ context: CommandContext) async throws {
        let console = context.console
        let answer = try await server.client(context).call(.get, "/v1/exposure")
        let isHit = try JSONDocument.read(answer) { json in
            var isHit = false
            for incident in json["incidents"]?.elements ?? json.elements {
                isHit = isHit || incident.text("answer") == "yes"
                if output.json {
                    try console.writeOutput(JSONDocument.line(incident))
                } else {
                    try console.lines(Self.lines(incident, console))
                }
            }
            for error in json.value(at: "pack.errors")?.elements ?? json.elements {
                if let text = error.scalarText { console.note("note: left out of the pack: \(text)") }
            }
            return isHit
        }
        if isHit { throw CommandFailure(.nothingFound, nil) }
    }

    private static func lines(_ incident: JSONValue, _ console: Console) -> [String] {
        let answer = incident.text("answer")
        let indent = String(repeating: " ", count: answerWidth)
        func below(_ text: String) -> String { indent + VisibleText.of(text) }
        let word = (answer == "yes" ? "YES" : answer == "no" ? "no" : "cannot tell")
            .padding(toLength: answerWidth, withPad: " ", startingAt: 0)
        let days = [incident.text("exposure.from"), incident.text("exposure.until")].map { String($0.prefix(10)) }
        let title = VisibleText.of("\(incident.text("title"))  (\(incident.text("id")), \(days[0]) to \(days[1]))")
        var lines = [answer == "yes" ? console.bold(word + title) : word + title, below(incident.text("reason"))]
        if let evidence = incident["evidence"] {
            let events = Array(evidence.elements)
            for item in events.prefix(shownEvents) {
                let event = item["event"] ?? item
                let cells = EventColumns.cells(event).filter { !$0.isEmpty }
                lines.append(below("event " + cells.joined(separator: "  ") + "  [\(item.text("indicator"))]"))
            }
            if events.count > shownEvents { lines.append(below("and \(events.count - shownEvents) more events")) }
        }
        if answer == "no", let coverage = incident["coverage"] {
            for channel in coverage.elements where channel.text("covered") == "all" {
                lines.append(
                    below(
                        "covered: \(channel.text("title")), \(channel.text("events")) events; \(channel.text("limit"))")
                )
            }
        }
        if answer == "yes" {
            lines += incident.text("remedy").split(separator: "\n").map { below("do: \($0)") }
            if let sources = incident["sources"] {
                lines += sources.elements.compactMap(\.scalarText).map { below("see \($0)") }
            }
        }
        return lines
    }
}
