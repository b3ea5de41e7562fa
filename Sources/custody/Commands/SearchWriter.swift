import EventModel

/// Writes the pages of one search: a table, or a line of NDJSON for each event or row.
struct SearchWriter {
    let console: Console
    let asJSON: Bool
    private(set) var shown = 0
    /// `events`, `table` or `series`.
    private(set) var kind = "events"
    private var matched: Int64?
    private var isExact = true
    private var table = TextTable(EventColumns.all)

    init(console: Console, asJSON: Bool) {
        self.console = console
        self.asJSON = asJSON
    }

    /// Takes one answer; NDJSON is written at once.
    ///
    /// - Returns: The cursor of the next page, if there is one.
    mutating func take(_ answer: JSONValue, _ page: SearchPage) throws -> String? {
        kind = answer.text("kind")
        matched = answer.value(at: "stats.matched")?.int64
        isExact = answer.value(at: "stats.exact")?.bool ?? true
        if kind == "events" { try takeEvents(page) } else { try takeRows(answer) }
        return answer["cursor"]?.scalarText
    }

    /// Writes the table, and says how much there is beyond it.
    func finish(isLimited: Bool) throws {
        if !asJSON, shown > 0 { try console.lines(table.lines(console)) }
        if shown == 0 {
            console.note("nothing found")
        } else if isLimited {
            let all = kind == "events" ? matched.map { " of \(isExact ? "" : "at least ")\($0)" } ?? "" : ""
            console.note("note: \(shown)\(all) shown; give --limit for more")
        }
    }

    private mutating func takeEvents(_ page: SearchPage) throws {
        try page.forEachEvent { event in
            shown += 1
            if asJSON {
                try console.writeOutput(JSONDocument.line(event))
            } else {
                table.add(EventColumns.cells(event))
            }
        }
    }

    private mutating func takeRows(_ answer: JSONValue) throws {
        let columns = answer["columns"]?.elements.compactMap(\.scalarText) ?? []
        let rows = answer["rows"].map { Array($0.elements) } ?? []
        if !asJSON, shown == 0 { table = Self.table(columns, rows) }
        for row in rows {
            shown += 1
            if asJSON {
                var object = JSONObject()
                for (name, value) in zip(columns, row.elements) {
                    var text: [UInt8] = []
                    JSONText.append(value, to: &text)
                    object.add(name, raw: text)
                }
                try console.writeOutput(object.line)
            } else {
                table.add(row.elements.map { Self.text($0) })
            }
        }
    }

    /// Columns of numbers stand to the right, times are never cut.
    private static func table(_ columns: [String], _ rows: [JSONValue]) -> TextTable {
        TextTable(
            columns.enumerated().map { number, title in
                let values = rows.compactMap { $0[number] }.filter { !$0.isNull }
                let isNumber = !values.isEmpty && values.allSatisfy { $0.double != nil }
                return TextTable.Column(title: title, isNumber: isNumber, isRigid: isNumber || title == "time")
            })
    }

    private static func text(_ value: JSONValue) -> String {
        guard value.isContainer else { return value.scalarText ?? "" }
        return value.elements.compactMap(\.scalarText).joined(separator: ", ")
    }
}
