import EventModel

/// The codes of a dictionary column whose values pass a test.
enum CodeSet {
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
        var table = [UInt8](repeating: 0, count: column.valueCount + 1)
        var matching = 0
        var (lowest, highest) = (UInt32.max, UInt32(0))
        try column.withValues { bytes, offsets in
            for position in 0..<column.valueCount {
                if position % Self.checkedValues == 0 { try check() }
                guard test.matches(bytes.slice(Int(offsets[position])..<Int(offsets[position + 1]))) else { continue }
                let code = UInt32(position + 1)
                table[Int(code)] = 1
                matching += 1
                lowest = min(lowest, code)
                highest = max(highest, code)
            }
        }
        if matching == 0 {
            self = .none
        } else if matching == column.valueCount {
            self = .all
        } else if matching == Int(highest - lowest) + 1 {
            self = .range(lowest...highest)
        } else {
            self = .table(table)
        }
    }
}

extension SegmentColumn {
    /// Keeps those rows of a set of which a value's code is in a set of codes.
    func filter(_ rows: inout RowSet, _ codes: CodeSet) {
        if isList { return filterList(&rows, codes) }
        withCodes { buffer in
            switch buffer {
            case .oneByte(let buffer): Self.filter(&rows, buffer, codes)
            case .twoBytes(let buffer): Self.filter(&rows, buffer, codes)
            case .fourBytes(let buffer): Self.filter(&rows, buffer, codes)
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

    /// Tests 64 codes at a time into bytes, which the compiler does with vector instructions, and gathers the bytes' bits.
    @inline(__always)
    private static func keep<Code>(
        _ rows: inout RowSet, _ buffer: UnsafeBufferPointer<Code>, _ passes: (Code) -> UInt8
    ) {
        guard let codes = buffer.baseAddress else { return }
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 8) { words in
            guard let flags = UnsafeMutableRawBufferPointer(words).baseAddress?.assumingMemoryBound(to: UInt8.self) else {
                return
            }
            rows.filterWords { first, count in
                if count == 64 {
                    for offset in 0..<64 { flags[offset] = passes(codes[first + offset]) }
                } else {
                    for offset in 0..<64 { flags[offset] = offset < count ? passes(codes[first + offset]) : 0 }
                }
                return bits(ofFlags: words)
            }
        }
    }

    /// The lowest bits of 64 bytes that are 0 or 1, in their order.
    @inline(__always)
    private static func bits(ofFlags flags: UnsafeMutableBufferPointer<UInt64>) -> UInt64 {
        var bits: UInt64 = 0
        for part in 0..<8 {
            // Byte n times the n-th power of two from above ends in bit n of the highest byte; no two products meet.
            bits |= ((flags[part].littleEndian &* 0x0102_0408_1020_4080) >> 56) << UInt64(part * 8)
        }
        return bits
    }

    private func filterList(_ rows: inout RowSet, _ codes: CodeSet) {
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
    func contains(_ code: UInt32) -> Bool {
        switch self {
        case .none: false
        case .all: code != 0
        case .range(let range): range.contains(code)
        case .table(let table): table[Int(code)] != 0
        }
    }
}
