/// Writes codes in the narrowest width that a number of values allows, a chunk at a time.
struct CodeWriter {
    private static let chunk = 16_384

    /// Bytes of one code: 1, 2 or 4.
    let width: Int
    private let composer: SegmentComposer
    private let buffer: SegmentMemory

    init(_ composer: SegmentComposer, valueCount: Int) {
        self.composer = composer
        width = Self.width(valueCount: valueCount)
        buffer = SegmentMemory(capacity: Self.chunk * width)
    }

    static func width(valueCount: Int) -> Int {
        valueCount <= 0xFF ? 1 : valueCount <= 0xFFFF ? 2 : 4
    }

    @inline(__always)
    mutating func append(_ code: UInt32) throws {
        if buffer.count == Self.chunk * width { try finish() }
        let target = buffer.start + buffer.count
        switch width {
        case 1: target.storeBytes(of: UInt8(truncatingIfNeeded: code), as: UInt8.self)
        case 2: target.storeBytes(of: UInt16(truncatingIfNeeded: code), as: UInt16.self)
        default: target.storeBytes(of: code, as: UInt32.self)
        }
        buffer.commit(width)
    }

    /// Writes what is left in the buffer.
    mutating func finish() throws {
        try composer.append(buffer.bytes)
        buffer.removeAll()
    }
}
