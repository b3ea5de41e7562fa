import EventModel

/// An event as one row: index, time, source, action, actor, resource, outcome.
enum EventColumns {
    static let all: [TextTable.Column] = [
        .init(title: "index", isNumber: true, isRigid: true), .init(title: "time", isRigid: true),
        .init(title: "source"), .init(title: "action"), .init(title: "actor"), .init(title: "resource"),
        .init(title: "outcome"),
    ]

    /// What the columns are wide where rows come one by one and nobody knows the next (`tail`).
    static let streamingWidths = [9, 20, 16, 24, 20, 28, 9]

    /// Widths for a stream of rows on a console.
    static func streamingWidths(_ console: Console) -> [Int] {
        var widths = streamingWidths
        if let width = console.width { TextTable.shrink(&widths, all, to: width) }
        return widths
    }

    /// The cells of one event. Short names mean what they mean in queries.
    static func cells(_ event: JSONValue) -> [String] {
        [
            event.text("index"), seconds(event.text("time")), event.text("source.kind"), event.text("action"),
            first(event, "actor.name", "actor.id", "actor.email"), first(event, "resource.name", "resource.id"),
            event.text("outcome"),
        ]
    }

    /// A time without its fraction; other text as it is.
    static func seconds(_ time: String) -> String {
        guard let point = time.firstIndex(of: "."), time.last == "Z" else { return time }
        return time[..<point] + "Z"
    }

    private static func first(_ event: JSONValue, _ paths: String...) -> String {
        paths.lazy.map { event.text($0) }.first { !$0.isEmpty } ?? ""
    }
}
