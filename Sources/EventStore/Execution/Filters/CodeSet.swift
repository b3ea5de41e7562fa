import EventModel

/// The codes of a dictionary column whose values pass a test.
enum CodeSet: Sendable {
    case none
    case all
    /// Consecutive codes: compared as numbers.
    case range(ClosedRange<UInt32>)
    /// A one for each matching code, indexed by code; 0 at code 0, which is no value.
    case table([UInt8])

    /// Values between two calls of `check`.
    private static let checkedValues = 65_536

    /// Tests each distinct value once; a value that must match byte for byte is looked up instead.
    ///
    /// - Parameter check: called now and then; what it throws ends the work.
    init(_ column: SegmentColumn, _ test: FieldValueTest, check: () throws -> Void) rethrows {
        if test.isPresence {
            self = .all
            return
        }
        if let exact = test.exact {
            self = exact.withUnsafeBytes { column.code(of: $0) }.map { .range($0...$0) } ?? .none
            return
        }
        var matching: [UInt32] = []
        var tested = 0
        for range in PrefixRanges.of(test, in: column) {
            try column.forEachValue(in: range) { code, value in
                tested += 1
                if tested % Self.checkedValues == 0 { try check() }
                if test.matches(value) { matching.append(UInt32(code)) }
            }
        }
        self.init(ascending: matching, of: column.valueCount)
    }

    /// Tests each distinct value once.
    init(_ column: SegmentColumn, matching test: (UnsafeRawBufferPointer) -> Bool) {
        var matching: [UInt32] = []
        column.forEachValue(in: 1..<column.valueCount + 1) { code, value in
            if test(value) { matching.append(UInt32(code)) }
        }
        self.init(ascending: matching, of: column.valueCount)
    }

    /// - Parameter codes: ascending, each once.
    private init(ascending codes: [UInt32], of valueCount: Int) {
        guard let first = codes.first, let last = codes.last else {
            self = .none
            return
        }
        if codes.count == valueCount {
            self = .all
        } else if codes.count == Int(last - first) + 1 {
            self = .range(first...last)
        } else {
            var table = [UInt8](repeating: 0, count: valueCount + 1)
            for code in codes { table[Int(code)] = 1 }
            self = .table(table)
        }
    }
}

extension SegmentColumn {
    /// Keeps those rows of a set of which a value's code is in a set of codes.
    func filter(_ rows: inout RowSet, _ codes: CodeSet) {
        guard isList else { return filterPositions(&rows, codes) }
        // One row costs as much as some dozens of codes in a scan.
        if rows.count < rowCount / 32 { filterRows(&rows, codes) } else { filterMembers(&rows, codes) }
    }

    /// Keeps those positions of codes that are in a set: of a plain column, the rows.
    private func filterPositions(_ positions: inout RowSet, _ codes: CodeSet) {
        withCodes { buffer in
            switch buffer {
            case .oneByte(let buffer): Self.filter(&positions, buffer, codes)
            case .twoBytes(let buffer): Self.filter(&positions, buffer, codes)
            case .fourBytes(let buffer): Self.filter(&positions, buffer, codes)
            }
        }
    }

    @inline(__always)
    private static func filter<Code: FixedWidthInteger & UnsignedInteger>(
        _ rows: inout RowSet, _ buffer: UnsafeBufferPointer<Code>, _ codes: CodeSet
    ) {
        switch codes {
        case .none: rows = RowSet(rowCount: rows.rowCount)
        case .all: keep(&rows, buffer) { $0 != 0 ? 1 : 0 }
        case .range(let range):
            // Unsigned wrap-around makes it one comparison; all codes in the range fit the width, as codes do.
            let lowest = Code(truncatingIfNeeded: range.lowerBound)
            let width = Code(truncatingIfNeeded: range.upperBound - range.lowerBound)
            keep(&rows, buffer) { $0 &- lowest <= width ? 1 : 0 }
        case .table(let table):
            table.withUnsafeBufferPointer { table in keep(&rows, buffer) { table[Int(truncatingIfNeeded: $0)] } }
        }
    }

    @inline(__always)
    private static func keep<Code>(
        _ rows: inout RowSet, _ buffer: UnsafeBufferPointer<Code>, _ passes: (Code) -> UInt8
    ) {
        guard let codes = buffer.baseAddress else { return }
        rows.keep(inWords: rows.words.indices) { passes(codes[$0]) }
    }

    /// Scans all codes of a list column and keeps the rows that the matching ones belong to.
    private func filterMembers(_ rows: inout RowSet, _ codes: CodeSet) {
        var positions = RowSet(allOf: codeCount)
        filterPositions(&positions, codes)
        var matching = RowSet(rowCount: rowCount)
        withStarts { starts in
            guard let starts else { return }
            var row = 0
            positions.forEach { position in
                row = Self.row(of: position, from: row, starts)
                matching.insert(row)
            }
        }
        rows.formIntersection(matching)
    }

    /// The row that a position belongs to, at or after another one: in growing steps, then halving, so that near rows cost
    /// little and far ones their logarithm.
    private static func row(of position: Int, from row: Int, _ starts: UnsafeBufferPointer<UInt32>) -> Int {
        var (low, step) = (row, 1)
        while low + step < starts.count, Int(starts[low + step]) <= position {
            low += step
            step *= 2
        }
        var high = min(low + step, starts.count - 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if Int(starts[middle]) <= position { low = middle } else { high = middle }
        }
        return low
    }

    private func filterRows(_ rows: inout RowSet, _ codes: CodeSet) {
        rows.filterWords { first, count in
            var word: UInt64 = 0
            for offset in 0..<count {
                let hasMatch = codeRange(ofRow: first + offset).contains { codes.contains(code(at: $0)) }
                if hasMatch { word |= 1 << UInt64(offset) }
            }
            return word
        }
    }
}

extension CodeSet {
    /// The code, when there is but one.
    var single: UInt32? {
        guard case .range(let range) = self, range.lowerBound == range.upperBound else { return nil }
        return range.lowerBound
    }

    func contains(_ code: UInt32) -> Bool {
        switch self {
        case .none: false
        case .all: code != 0
        case .range(let range): range.contains(code)
        case .table(let table): table[Int(code)] != 0
        }
    }
}
