package import EventModel

/// The rows of one segment that a ``CandidateFilter`` leaves, and their records. Used by one task at a time.
///
/// Cost of making it: the distinct values of the columns and paths that the filter names are tested once, their codes are
/// read; no record is.
package final class CandidateRows {
    private let rows: RowSet
    private let decoder: BlockDecoder

    /// - Throws: ``EventStoreError`` (`damaged`).
    package init(_ segment: SegmentReader, _ filter: CandidateFilter) throws {
        decoder = try BlockDecoder(segment)
        var scan = CandidateScan(segment)
        rows = try scan.rows(for: filter, among: RowSet(allOf: segment.rowCount))
    }

    /// How many there are.
    package var count: Int { rows.count }

    /// The first candidate at or after a row; nil when there is none.
    package func first(from row: Int) -> Int? { rows.first(from: row) }

    /// Hands over the sealed record of a row. A block is decompressed once as long as rows ascend.
    ///
    /// - Throws: ``EventStoreError`` (`damaged`); what `body` throws.
    package func withRecord(ofRow row: Int, _ body: (SealedView) throws -> Void) throws {
        try body(decoder.record(ofRow: row))
    }
}

/// Evaluates candidate filters over one segment.
private struct CandidateScan {
    private let segment: SegmentReader
    private let filter: SegmentFilter
    private var columns: [Int: PathColumn] = [:]
    private var names: [Bool: [[UInt8]: [Int]]] = [:]

    init(_ segment: SegmentReader) {
        self.segment = segment
        // Whoever scans has a limit of time of its own.
        let meter = QueryMeter(
            duration: .seconds(1 << 32), clock: { 0 }, records: false,
            allowance: SearchAllowance(SearchMemory(limit: .max), limit: .max))
        filter = SegmentFilter(rows: segment, meter: meter, worker: SearchWorker(meter))
    }

    mutating func rows(for condition: CandidateFilter, among candidates: RowSet) throws -> RowSet {
        switch condition {
        case .everything: return candidates
        case .all(let members):
            var rows = candidates
            for member in members where !rows.isEmpty { rows = try self.rows(for: member, among: rows) }
            return rows
        case .any(let members):
            var selected = RowSet(rowCount: candidates.rowCount)
            var rest = candidates
            for member in members where !rest.isEmpty {
                let own = try rows(for: member, among: rest)
                selected.formUnion(own)
                rest.subtract(own)
            }
            return selected
        case .field(let field, let test): return try rows(with: field, test, among: candidates)
        case .payload(let name, let test): return try rows(with: name, test, among: candidates)
        case .query(let predicate): return try filter.bounds(predicate.filter, candidates).possible
        }
    }

    private func rows(
        with field: Field, _ test: CandidateFilter.Test, among candidates: RowSet
    ) throws -> RowSet {
        guard field.isColumnar else { return candidates }
        var rows = candidates
        guard let column = try segment.column(field) else { return RowSet(rowCount: candidates.rowCount) }
        column.filter(&rows, CodeSet(column, matching: { test($0) }))
        return rows
    }

    private mutating func rows(
        with name: CandidateFilter.PayloadName, _ test: CandidateFilter.Test, among candidates: RowSet
    ) throws -> RowSet {
        let index = try segment.pathIndex()
        guard index.isComplete else { return candidates }
        var selected = RowSet(rowCount: candidates.rowCount)
        // Their payloads are not in the index.
        for row in index.wideRows where candidates.contains(Int(row)) { selected.insert(Int(row)) }
        for number in places(of: name, index) {
            let column = try column(number, index)
            selected.formUnion(
                column.keepsValues
                    ? column.rows(among: candidates, with: Self.codes(of: column, test))
                    : column.presence(among: candidates))
        }
        return selected
    }

    private static func codes(of column: PathColumn, _ test: CandidateFilter.Test) -> [Bool] {
        (0..<column.valueCount).map { code in
            let key = column.value(code)
            guard let tag = key.first, tag != ValueKey.json else { return true }
            return test(key.slice(1..<key.count))
        }
    }

    /// The paths whose keys spell a name, however its dots are read.
    private mutating func places(of name: CandidateFilter.PayloadName, _ index: PathIndex) -> [Int] {
        func key(_ text: String) -> [UInt8] { Array((name.ignoresCase ? CaseFolding.folded(text) : Array(text.utf8))) }
        if names[name.ignoresCase] == nil {
            var table: [[UInt8]: [Int]] = [:]
            for (number, path) in index.names.enumerated() {
                table[key(PathIndex.keys(of: path).joined(separator: ".")), default: []].append(number)
            }
            names[name.ignoresCase] = table
        }
        return names[name.ignoresCase]?[key(String(decoding: name.bytes, as: UTF8.self))] ?? []
    }

    private mutating func column(_ number: Int, _ index: PathIndex) throws -> PathColumn {
        if let column = columns[number] { return column }
        let column = try segment.pathColumn(index.entries[number])
        columns[number] = column
        return column
    }
}
