import EventModel
import QueryLanguage

/// A dictionary column and how many rows of a set have each of its values.
struct CountedColumn: Sendable {
    private let column: SegmentColumn
    /// By code.
    private let counts: [Int]

    /// A row counts once for a value.
    init(_ column: SegmentColumn, _ rows: RowSet) {
        self.column = column
        counts = ColumnSource([column], type: .text).counts(rows) ?? Self.memberCounts(of: column, rows)
    }

    private static func memberCounts(of column: SegmentColumn, _ rows: RowSet) -> [Int] {
        var counts = [Int](repeating: 0, count: column.valueCount + 1)
        rows.forEach { row in
            let range = column.codeRange(ofRow: row)
            for position in range {
                let code = column.code(at: position)
                let isRepeated = (range.lowerBound..<position).contains { column.code(at: $0) == code }
                if !isRepeated { counts[Int(code)] += 1 }
            }
        }
        return counts
    }

    /// The values that most rows of all columns have, most frequent first, then bytewise.
    ///
    /// The dictionaries are walked together in their order: nothing is copied or hashed, however many values there are.
    static func mostFrequent(
        _ columns: [CountedColumn], limit: Int, where isWanted: (UnsafeRawBufferPointer) throws -> Bool
    ) rethrows -> [ValueSummary.Entry] {
        var cursors = columns.compactMap(Cursor.init)
        var best: [(value: UnsafeRawBufferPointer, count: Int)] = []
        // What has no more rows than this is not among the most frequent: equal ones that come later order behind.
        var least = 0
        func cut() {
            best.sort { $0.count != $1.count ? $0.count > $1.count : $0.value.precedes($1.value) }
            if best.count > limit { best.removeLast(best.count - limit) }
            if best.count == limit { least = best.last?.count ?? 0 }
        }
        while let first = cursors.first {
            var lowest = first
            for cursor in cursors.dropFirst() where cursor.precedes(lowest) { lowest = cursor }
            let value = lowest.value
            var count = 0
            var hasFinished = false
            for position in cursors.indices where cursors[position].has(value, lowest.prefix) {
                count += cursors[position].count
                hasFinished = !cursors[position].advance() || hasFinished
            }
            if hasFinished { cursors.removeAll(where: \.isFinished) }
            guard count > least, try isWanted(value) else { continue }
            best.append((value, count))
            if best.count >= max(limit * 2, 64) { cut() }
        }
        cut()
        return withExtendedLifetime(columns) {
            best.map { ValueSummary.Entry(value: $0.value.text, events: $0.count) }
        }
    }

    /// A value of one column that some row has.
    private struct Cursor {
        private let column: SegmentColumn
        private let counts: [Int]
        private var code = 0
        private(set) var value = UnsafeRawBufferPointer(start: nil, count: 0)
        private(set) var prefix: UInt64 = 0

        init?(_ counted: CountedColumn) {
            column = counted.column
            counts = counted.counts
            guard advance() else { return nil }
        }

        var isFinished: Bool { code >= counts.count }
        var count: Int { counts[code] }

        mutating func advance() -> Bool {
            code += 1
            while code < counts.count, counts[code] == 0 { code += 1 }
            guard !isFinished else { return false }
            value = column.value(UInt32(code))
            prefix = DictionarySortKey.prefix(of: value)
            return true
        }

        func precedes(_ other: Cursor) -> Bool {
            prefix != other.prefix ? prefix < other.prefix : value.precedes(other.value)
        }

        func has(_ value: UnsafeRawBufferPointer, _ prefix: UInt64) -> Bool {
            self.prefix == prefix && self.value.hasSameBytes(as: value)
        }
    }
}
