/// Rows in aligned columns that fit the terminal: no line is ever wider, so none wraps.
struct TextTable {
    struct Column {
        var title: String
        /// Numbers stand to the right.
        var isNumber = false
        /// Neither cut nor shortened before all others are: times, indexes.
        var isRigid = false
    }

    /// Columns between columns.
    static let gap = 2
    /// What a column that can be shortened keeps at least, where its content has as much.
    static let minimumWidth = 6

    let columns: [Column]
    private(set) var rows: [[String]] = []

    init(_ columns: [Column]) { self.columns = columns }

    /// Adds a row. Cells are made visible; an empty one becomes `-`, so that columns can still be told by programs.
    mutating func add(_ cells: [String]) {
        rows.append(cells.map { $0.isEmpty ? "-" : VisibleText.of($0) })
    }

    /// The lines, the first being the titles.
    ///
    /// - Parameter console: Gives width and colour; without a terminal nothing is cut.
    func lines(_ console: Console) -> [String] {
        let widths = widths(fitting: console.width)
        return [console.bold(line(columns.map { VisibleText.of($0.title) }, widths, console.width))]
            + rows.map { line($0, widths, console.width) }
    }

    /// One line of cells in columns of these widths, cut to `limit`.
    func line(_ cells: [String], _ widths: [Int], _ limit: Int?) -> String {
        var text = ""
        for (number, cell) in cells.enumerated() {
            let column = columns[number]
            let shown = limit == nil ? cell : DisplayWidth.cut(cell, to: widths[number])
            let padding = String(repeating: " ", count: max(0, widths[number] - DisplayWidth.of(shown)))
            if number > 0 { text += String(repeating: " ", count: Self.gap) }
            text += column.isNumber ? padding + shown : shown + padding
        }
        while text.last == " " { text.removeLast() }
        return limit.map { DisplayWidth.cut(text, to: $0) } ?? text
    }

    /// The width of each column: what its content needs, and where that is too much the widest give way first.
    func widths(fitting limit: Int?) -> [Int] {
        var widths = columns.indices.map { number in
            rows.reduce(DisplayWidth.of(VisibleText.of(columns[number].title))) { widest, row in
                max(widest, DisplayWidth.of(row[number]))
            }
        }
        guard let limit else { return widths }
        Self.shrink(&widths, columns, to: limit)
        return widths
    }

    /// Takes columns from the widest of those that may give way until the line fits or nothing more can be taken.
    static func shrink(_ widths: inout [Int], _ columns: [Column], to limit: Int) {
        var excess = widths.reduce(0, +) + gap * (widths.count - 1) - limit
        while excess > 0 {
            let widest = widths.indices.filter { !columns[$0].isRigid && widths[$0] > minimumWidth }
                .max { widths[$0] < widths[$1] }
            guard let widest else { return }
            widths[widest] -= 1
            excess -= 1
        }
    }
}
