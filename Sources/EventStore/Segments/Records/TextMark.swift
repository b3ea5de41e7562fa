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
}
