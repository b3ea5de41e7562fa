import EventModel

/// A source whose codes of all rows of a segment lie one behind the other, so that they are counted without being loaded.
protocol CountingSource: ValueSource {
    /// Calls `body` with the codes of all rows; nil when they do not lie like that here.
    ///
    /// - Parameter selected: of how many rows they are wanted: the less, the less is it worth to lay them out.
    func withDenseCodes<Result>(forRows selected: Int, _ body: (SegmentCodes) throws -> Result) rethrows -> Result?

    /// How many rows of a set have each code, by code; nil when codes are not dense.
    func counts(_ rows: RowSet) -> [Int]?
}

extension ColumnSource: CountingSource {
    func withDenseCodes<Result>(
        forRows selected: Int, _ body: (SegmentCodes) throws -> Result
    ) rethrows -> Result? {
        guard let column = columns.first else { return nil }
        if columns.count == 1, !column.isList { return try column.withCodes(body) }
        guard let combined = combinedCodes(forRows: selected) else { return nil }
        return try withExtendedLifetime(combined) { try body(.fourBytes(UnsafeBufferPointer(combined.codes))) }
    }

    func counts(_ rows: RowSet) -> [Int]? {
        guard columns.count == 1, let column = columns.first, !column.isList else {
            return withDenseCodes(forRows: rows.count) { CodeCounts.of(rows, $0, bound: codeBound) }
        }
        func count(_ rows: RowSet) -> [Int] {
            column.withCodes { CodeCounts.of(rows, $0, bound: codeBound) }
        }
        return CodeCounts.of(
            rows,
            whole: {
                facts?.counts(of: .field(column.field), codes: codeBound) { count(RowSet(allOf: rows.rowCount)) }
            }, count)
    }
}
