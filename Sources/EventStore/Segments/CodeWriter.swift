import EventModel

/// Writes codes in the narrowest width that a number of values allows, a chunk at a time.
struct CodeWriter {
    private static let chunk = 16_384

    /// Bytes of one code: 1, 2 or 4.
    let width: Int
    private let composer: SegmentComposer

    init(_ composer: SegmentComposer, valueCount: Int) {
        self.composer = composer
        width = Self.width(valueCount: valueCount)
    }

    static func width(valueCount: Int) -> Int {
        valueCount <= 0xFF ? 1 : valueCount <= 0xFFFF ? 2 : 4
    }

    /// Writes what a table makes of codes.
    ///
    /// - Parameter dropsZeros: leave out codes that are 0.
    /// - Returns: How many codes were written.
    func append<Code: UnsignedInteger & FixedWidthInteger & BitwiseCopyable>(
        _ codes: UnsafeBufferPointer<Code>, _ table: UnsafeBufferPointer<UInt32>, dropsZeros: Bool = false
    ) throws -> Int {
        switch width {
        case 1: try append(codes, table, dropsZeros, as: UInt8.self)
        case 2: try append(codes, table, dropsZeros, as: UInt16.self)
        default: try append(codes, table, dropsZeros, as: UInt32.self)
        }
    }

    /// Writes a number of zeros.
    func append(zeros count: Int) throws {
        let bytes = [UInt8](repeating: 0, count: count * width)
        try bytes.withUnsafeBytes { try composer.append($0) }
    }

    @inline(__always)
    private func append<
        Code: UnsignedInteger & FixedWidthInteger & BitwiseCopyable,
        Stored: UnsignedInteger & FixedWidthInteger & BitwiseCopyable
    >(
        _ codes: UnsafeBufferPointer<Code>, _ table: UnsafeBufferPointer<UInt32>, _ dropsZeros: Bool,
        as stored: Stored.Type
    ) throws -> Int {
        guard let table = table.baseAddress else { return 0 }
        return try withUnsafeTemporaryAllocation(of: Stored.self, capacity: Self.chunk) { buffer in
            var total = 0
            for start in stride(from: 0, to: codes.count, by: Self.chunk) {
                var count = 0
                for code in codes[start..<min(codes.count, start + Self.chunk)] where !dropsZeros || code != 0 {
                    buffer[count] = Stored(truncatingIfNeeded: table[Int(truncatingIfNeeded: code)])
                    count += 1
                }
                try composer.append(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: buffer[..<count])))
                total += count
            }
            return total
        }
    }
}
