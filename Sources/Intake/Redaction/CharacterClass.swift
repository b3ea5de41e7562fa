/// What kinds of token a byte can be part of, by table.
enum CharacterClass {
    static let alphanumeric: UInt8 = 1
    static let hexadecimal: UInt8 = 2
    static let base64URL: UInt8 = 4
    /// `+`, `/`, `=` and `%`.
    static let base64: UInt8 = 8
    /// What a name before `:` or `=` consists of: letters, digits, `_`, `-` and `.`.
    static let name: UInt8 = 16
    /// Ends a value that stands without quotes.
    static let valueEnd: UInt8 = 32
    static let space: UInt8 = 64

    private static let table: [UInt8] = (0...255).map { number -> UInt8 in
        let byte = UInt8(number)
        var flags: UInt8 = 0
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            flags = alphanumeric | hexadecimal | base64URL | name
        case UInt8(ascii: "g")...UInt8(ascii: "z"), UInt8(ascii: "G")...UInt8(ascii: "Z"):
            flags = alphanumeric | base64URL | name
        case UInt8(ascii: "_"), UInt8(ascii: "-"): flags = base64URL | name
        case UInt8(ascii: "."): flags = name
        case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: "%"): flags = base64
        default: break
        }
        if byte <= 0x20 { flags |= space | valueEnd }
        if "\"'`\\&;,<>(){}|".utf8.contains(byte) { flags |= valueEnd }
        return flags
    }

    @inline(__always)
    static func of(_ byte: UInt8) -> UInt8 { table.withUnsafeBufferPointer { $0[Int(byte)] } }

    /// Whether the byte before a token would make it the middle of something longer.
    static func isWord(_ byte: UInt8) -> Bool { of(byte) & alphanumeric != 0 || byte == UInt8(ascii: "_") }

    static func isName(_ byte: UInt8) -> Bool { of(byte) & name != 0 }
    static func isSpace(_ byte: UInt8) -> Bool { of(byte) & space != 0 }
    static func endsValue(_ byte: UInt8) -> Bool { of(byte) & valueEnd != 0 }
}
