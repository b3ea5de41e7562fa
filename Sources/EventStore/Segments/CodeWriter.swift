import EventModel

/// Gathers a column's codes in the narrowest width that its number of values allows, and writes them: all, or where nearly all
/// are the same code, that one and the others. docs/format/segment.md §5.
struct CodeWriter {
    /// Bytes of one code: 1, 2 or 4.
    let width: Int
    private let codes: SegmentMemory

    /// - Parameter count: how many codes there will be, about.
    init(valueCount: Int, codes count: Int) {
        width = Self.width(valueCount: valueCount)
        codes = SegmentMemory(capacity: count * width)
    }

    static func width(valueCount: Int) -> Int {
        valueCount <= 0xFF ? 1 : valueCount <= 0xFFFF ? 2 : 4
    }

    /// Adds what a table makes of codes.
    ///
    /// - Parameter dropsZeros: leave out codes that are 0.
    func append<Code: UnsignedInteger & FixedWidthInteger & BitwiseCopyable>(
        _ codes: UnsafeBufferPointer<Code>, _ table: UnsafeBufferPointer<UInt32>, dropsZeros: Bool = false
    ) {
        switch width {
        case 1: append(codes, table, dropsZeros, as: UInt8.self)
        case 2: append(codes, table, dropsZeros, as: UInt16.self)
        default: append(codes, table, dropsZeros, as: UInt32.self)
        }
    }

    func append(zeros count: Int) {
        codes.reserve(count * width)
        (codes.start + codes.count).initializeMemory(as: UInt8.self, repeating: 0, count: count * width)
        codes.commit(count * width)
    }

    @inline(__always)
    private func append<
        Code: UnsignedInteger & FixedWidthInteger & BitwiseCopyable,
        Stored: UnsignedInteger & FixedWidthInteger & BitwiseCopyable
    >(
        _ codes: UnsafeBufferPointer<Code>, _ table: UnsafeBufferPointer<UInt32>, _ dropsZeros: Bool,
        as stored: Stored.Type
    ) {
        guard let table = table.baseAddress else { return }
        self.codes.reserve(codes.count * MemoryLayout<Stored>.size)
        let target = (self.codes.start + self.codes.count).bindMemory(to: Stored.self, capacity: codes.count)
        var count = 0
        for code in codes where !dropsZeros || code != 0 {
            target[count] = Stored(truncatingIfNeeded: table[Int(truncatingIfNeeded: code)])
            count += 1
        }
        self.codes.commit(count * MemoryLayout<Stored>.size)
    }

    /// - Parameter isList: rows have ranges of codes: then all are written.
    func write(to composer: SegmentComposer, field: Field, isList: Bool) throws {
        let count = codes.count / width
        if !isList, let sparse = sparseCodes() {
            return try composer.section(.codes, field: field, width: 0) {
                try sparse.withUnsafeBytes { try composer.append($0) }
                return count
            }
        }
        try composer.section(.codes, field: field, width: width) {
            try composer.append(codes.bytes)
            return count
        }
    }

    private func sparseCodes() -> [UInt32]? {
        switch width {
        case 1: SparseCodes.encoded(codes.bytes.bindMemory(to: UInt8.self))
        case 2: SparseCodes.encoded(codes.bytes.bindMemory(to: UInt16.self))
        default: SparseCodes.encoded(codes.bytes.bindMemory(to: UInt32.self))
        }
    }
}
