/// The bytes of packed text that stand for something else. docs/format/segment.md §6.
///
/// Audit logs say most things twice: what a connector reads from a payload is in a column too, and digests, commits and UUIDs are
/// binary numbers written as text. Packed text says neither again, so that there is less to compress, and less of it random.
enum TextMark {
    /// The byte behind it is meant, which is below ``limit``.
    static let escape: UInt8 = 0
    /// The first value of the field whose number follows.
    static let value: UInt8 = 1
    /// The number of a field and an element of it follow.
    static let element: UInt8 = 2
    /// A UUID in lower case with its hyphens: 16 bytes of the digits.
    static let uuid: UInt8 = 3
    static let uuidCharacters = 36
    /// A number of bytes follows, with ``upperCase`` or without: as many of the digits, as hexadecimal digits.
    static let digits: UInt8 = 4
    /// A time follows as its form (``TimeText``), and with ``TimeText/differs`` by how much it is not that of the row.
    static let time: UInt8 = 5
    /// All marks are below. None of these bytes occurs in JSON.
    static let limit: UInt8 = 6

    static let upperCase: UInt8 = 0x80

    /// How many bytes of packed text stand for themselves before the next mark, or a limit.
    @inline(__always)
    static func literalCount(in text: UnsafeRawBufferPointer, from position: Int, atMost limit: Int) -> Int {
        let count = min(limit, text.count - position)
        guard let start = text.baseAddress.map({ $0 + position }) else { return 0 }
        var offset = 0
        // The lowest byte that is below the limit shows; those above it may be shown wrongly.
        let (ones, highs): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
        while offset + 8 <= count {
            let bytes = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let marks = (bytes &- ones &* UInt64(Self.limit)) & ~bytes & highs
            guard marks == 0 else { return offset + marks.trailingZeroBitCount / 8 }
            offset += 8
        }
        while offset < count, start.load(fromByteOffset: offset, as: UInt8.self) >= Self.limit { offset += 1 }
        return offset
    }
}
