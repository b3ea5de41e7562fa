/// Counts how many rows have each code.
enum CodeCounts {
    /// Up to this many codes four tables fit the second-level cache.
    private static let codesOfFourTables = 16_384

    /// By code, for the rows of a set.
    static func of(_ rows: RowSet, _ codes: SegmentCodes, bound: Int) -> [Int] {
        switch codes {
        case .oneByte(let codes): of(rows, codes, bound)
        case .twoBytes(let codes): of(rows, codes, bound)
        case .fourBytes(let codes): of(rows, codes, bound)
        }
    }

    /// By turns in four tables: with one, equal neighbours would wait for each other's additions. Many codes have few equal
    /// neighbours, and one table is cached better than four.
    @inline(__always)
    private static func of<Code: UnsignedInteger & FixedWidthInteger>(
        _ rows: RowSet, _ codes: UnsafeBufferPointer<Code>, _ bound: Int
    ) -> [Int] {
        let stride = bound <= codesOfFourTables ? bound : 0
        var tables = [UInt32](repeating: 0, count: max(stride * 4, bound))
        tables.withUnsafeMutableBufferPointer { tables in
            for position in rows.words.indices {
                var word = rows.words[position]
                var row = position * 64
                if word == .max {
                    let end = row + 64
                    while row < end {
                        tables[Int(truncatingIfNeeded: codes[row])] &+= 1
                        tables[stride + Int(truncatingIfNeeded: codes[row + 1])] &+= 1
                        tables[stride * 2 + Int(truncatingIfNeeded: codes[row + 2])] &+= 1
                        tables[stride * 3 + Int(truncatingIfNeeded: codes[row + 3])] &+= 1
                        row += 4
                    }
                    continue
                }
                while word != 0 {
                    tables[Int(truncatingIfNeeded: codes[row + word.trailingZeroBitCount])] &+= 1
                    word &= word - 1
                }
            }
        }
        guard stride > 0 else { return tables.map(Int.init) }
        return (0..<bound).map { code in
            Int(tables[code]) + Int(tables[bound + code]) + Int(tables[bound * 2 + code])
                + Int(tables[bound * 3 + code])
        }
    }

    /// For the rows of a set, from the counts of the whole segment where that is less to look at.
    ///
    /// - Parameters:
    ///   - whole: the counts of all rows; nil when they are not kept.
    ///   - count: counts the rows of a set one by one.
    static func of(_ rows: RowSet, whole: () -> [Int]?, _ count: (RowSet) -> [Int]) -> [Int] {
        let missing = rows.rowCount - rows.count
        // A search of everything leaves out what the reader may not see: mostly little, and never more than this pays for.
        guard missing * 4 <= rows.rowCount, var counts = whole() else { return count(rows) }
        guard missing > 0 else { return counts }
        var others = RowSet(allOf: rows.rowCount)
        others.subtract(rows)
        for (code, rows) in count(others).enumerated() { counts[code] -= rows }
        return counts
    }
}
