import EventModel
import Synchronization

/// What searches have found out about one segment and would find again: segments never change. It goes with the segment.
final class DerivedFacts: Sendable {
    /// A column, by its field or by where its path's data begins.
    enum Place: Hashable, Sendable {
        case field(Field)
        case path(Int)
    }

    private struct State {
        var paths: [Int: PathColumn] = [:]
        var counts: [Place: [UInt32]] = [:]
        var countedValues = 0
        var rows: [RareValue: [UInt32]] = [:]
        var listedRows = 0
        var codes: [TestedColumn: CodeSet] = [:]
    }

    private struct TestedColumn: Hashable {
        let field: Field
        let test: FieldValueTest.Name
    }

    private struct RareValue: Hashable {
        let field: Field
        let code: UInt32
    }

    /// Values of a column whose rows are counted once and remembered; of more, counting anew costs little beside the rest.
    static let valuesOfColumn = 1_024
    /// Counts kept of one segment, 4 bytes each: some dozens of columns, and a fraction of what one of them takes on disk.
    static let valuesOfSegment = 16_384

    /// Rows of a value that are listed once they were looked for: Custody's own events among others, which most searches leave
    /// out. And rows listed of one segment, 4 bytes each.
    static let rowsOfValue = 1_024
    static let rowsOfSegment = 16_384

    /// Tests of all values of a column whose results are kept of one segment, about 100 bytes each: what rules and the check of known
    /// incidents ask again and again.
    static let testsOfSegment = 1_024

    private let state = Mutex(State())

    /// The column of a path that was checked before, or else the one that `check` makes.
    ///
    /// - Parameter number: of the path in the index.
    func pathColumn(_ number: Int, _ check: () throws -> PathColumn) rethrows -> PathColumn {
        if let known = state.withLock({ $0.paths[number] }) { return known }
        let column = try check()
        state.withLock { $0.paths[number] = column }
        return column
    }

    /// How many rows of the whole segment have each code of a column, by code; nil when there are too many codes.
    func counts(of place: Place, codes: Int, _ count: () -> [Int]) -> [Int]? {
        guard codes <= Self.valuesOfColumn else { return nil }
        if let known = state.withLock({ $0.counts[place] }) { return known.map(Int.init) }
        let counted = count()
        state.withLock { state in
            guard state.countedValues + counted.count <= Self.valuesOfSegment, state.counts[place] == nil else {
                return
            }
            state.counts[place] = counted.map { UInt32(truncatingIfNeeded: $0) }
            state.countedValues += counted.count
        }
        return counted
    }

    /// The rows of the whole segment that have a value of a small plain column, ascending; nil when they are many.
    ///
    /// - Parameter find: finds them among all rows.
    func rows(of column: SegmentColumn, code: UInt32, _ find: () -> RowSet) -> [UInt32]? {
        guard column.valueCount < Self.valuesOfColumn else { return nil }
        let value = RareValue(field: column.field, code: code)
        if let known = state.withLock({ $0.rows[value] }) { return known }
        let all = RowSet(allOf: column.rowCount)
        let counts = counts(of: .field(column.field), codes: column.valueCount + 1) {
            column.withCodes { CodeCounts.of(all, $0, bound: column.valueCount + 1) }
        }
        guard let counts, counts[Int(code)] <= Self.rowsOfValue else { return nil }
        let found = find().map { UInt32($0) }
        state.withLock { state in
            guard state.listedRows + found.count <= Self.rowsOfSegment, state.rows[value] == nil else { return }
            state.rows[value] = found
            state.listedRows += found.count
        }
        return found
    }

    /// The codes of a column's values that pass a test, kept where they need no table.
    ///
    /// - Parameter find: tests all values.
    func codes(of field: Field, passing test: FieldValueTest.Name, _ find: () throws -> CodeSet) rethrows -> CodeSet {
        let key = TestedColumn(field: field, test: test)
        if let known = state.withLock({ $0.codes[key] }) { return known }
        let found = try find()
        if case .table = found { return found }
        state.withLock { state in
            if state.codes.count < Self.testsOfSegment { state.codes[key] = found }
        }
        return found
    }
}
