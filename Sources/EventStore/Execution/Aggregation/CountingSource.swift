import EventModel

/// A source whose codes of all rows of a segment lie one behind the other, so that they are counted without being loaded.
protocol CountingSource: ValueSource {
    /// Calls `body` with the codes of all rows; nil when they do not lie like that here.
    func withDenseCodes<Result>(_ body: (SegmentCodes) throws -> Result) rethrows -> Result?
}

extension CountingSource {
    /// How many rows of a set have each code, by code; nil when codes are not dense.
    func counts(_ rows: RowSet) -> [Int]? {
        let bound = codeBound
        return withDenseCodes { codes in
            switch codes {
            case .oneByte(let codes): Self.counts(rows, codes, bound)
            case .twoBytes(let codes): Self.counts(rows, codes, bound)
            case .fourBytes(let codes): Self.counts(rows, codes, bound)
            }
        }
    }

    /// Counts in four tables by turns: with one, equal neighbours would wait for each other's additions.
    @inline(__always)
    private static func counts<Code: UnsignedInteger & FixedWidthInteger>(
        _ rows: RowSet, _ codes: UnsafeBufferPointer<Code>, _ bound: Int
    ) -> [Int] {
        var tables = [UInt32](repeating: 0, count: bound * 4)
        tables.withUnsafeMutableBufferPointer { tables in
            for position in rows.words.indices {
                var word = rows.words[position]
                let first = position * 64
                if word == .max {
                    for offset in stride(from: first, to: first + 64, by: 4) {
                        tables[Int(codes[offset])] &+= 1
                        tables[bound + Int(codes[offset + 1])] &+= 1
                        tables[bound * 2 + Int(codes[offset + 2])] &+= 1
                        tables[bound * 3 + Int(codes[offset + 3])] &+= 1
                    }
                    continue
                }
                while word != 0 {
                    tables[Int(codes[first + word.trailingZeroBitCount])] &+= 1
                    word &= word - 1
                }
            }
        }
        return (0..<bound).map { code in
            Int(tables[code]) + Int(tables[bound + code]) + Int(tables[bound * 2 + code])
                + Int(tables[bound * 3 + code])
        }
    }

    /// Calls `body` with each row of a set and its code; false when codes are not dense.
    @inline(__always)
    func forEachCode(_ rows: RowSet, _ body: (_ row: Int, _ code: Int) -> Void) -> Bool {
        let done: Void? = withDenseCodes { codes in
            switch codes {
            case .oneByte(let codes): rows.forEach { body($0, Int(codes[$0])) }
            case .twoBytes(let codes): rows.forEach { body($0, Int(codes[$0])) }
            case .fourBytes(let codes): rows.forEach { body($0, Int(codes[$0])) }
            }
        }
        return done != nil
    }
}

extension ColumnSource: CountingSource {
    func withDenseCodes<Result>(_ body: (SegmentCodes) throws -> Result) rethrows -> Result? {
        guard columns.count == 1, let column = columns.first, !column.isList else { return nil }
        return try column.withCodes(body)
    }
}
