import EventModel
import QueryLanguage

/// A dictionary column and how many rows of a set have each of its values that may begin as wanted.
struct CountedColumn: Sendable {
    let column: SegmentColumn
    /// By code.
    private let counts: CompactCounts
    /// The codes of the values that may begin as wanted, ascending.
    let ranges: [Range<Int>]

    /// - Parameters:
    ///   - rows: a row counts once for a value.
    ///   - prefix: folded; empty for all values.
    ///   - facts: what is known of the segment.
    init(_ column: SegmentColumn, _ rows: RowSet, prefix: [UInt8], facts: DerivedFacts?) {
        self.column = column
        let known = column.isList ? nil : ColumnSource([column], type: .text, facts: facts).counts(rows)
        counts = CompactCounts(known ?? Self.memberCounts(of: column, rows))
        ranges = PrefixRanges.of(prefix, in: column)
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

    /// Bytes that it holds beside the column's own.
    var byteCount: Int { counts.byteCount }

    /// How many values may begin as wanted, whether rows have them or not.
    var candidateCount: Int { ranges.reduce(0) { $0 + $1.count } }

    /// How many rows have a value. Cost: O(log values).
    func rows(with value: UnsafeRawBufferPointer) -> Int {
        column.code(of: value).map { counts[Int($0)] } ?? 0
    }

    @inline(__always)
    func rows(withCode code: Int) -> Int { counts[code] }

    /// The values that most rows have, and a number of rows that no other value exceeds.
    func mostFrequent(
        _ limit: Int, where isWanted: (UnsafeRawBufferPointer) -> Bool
    ) -> (codes: [Int], others: Int) {
        var best: [Int] = []
        var least = 0
        func cut() {
            best.sort { counts[$0] != counts[$1] ? counts[$0] > counts[$1] : $0 < $1 }
            guard best.count >= limit else { return }
            best.removeLast(best.count - limit)
            least = best.last.map { counts[$0] } ?? 0
        }
        for range in ranges {
            for code in range where counts[code] > least && isWanted(column.value(UInt32(code))) {
                best.append(code)
                if best.count >= limit * 2 { cut() }
            }
        }
        cut()
        return (best, least)
    }
}
