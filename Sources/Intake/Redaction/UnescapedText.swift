/// A copy of a payload in which printable ASCII that was written as an escape (`\u002d`, `\/`) stands for itself, with the
/// way back to the original bytes. Escapes of quotes and backslashes stay, so that strings still end where they ended.
struct UnescapedText {
    let bytes: [UInt8]
    /// For each byte its offset in the original, and at the end the original's length.
    private let offsets: [Int]

    init(_ original: UnsafeRawBufferPointer) {
        var bytes: [UInt8] = []
        var offsets: [Int] = []
        bytes.reserveCapacity(original.count)
        offsets.reserveCapacity(original.count + 1)
        var position = 0
        while position < original.count {
            var byte = original[position]
            var length = 1
            if byte == UInt8(ascii: "\\"), position + 1 < original.count {
                if original[position + 1] == UInt8(ascii: "/") {
                    byte = UInt8(ascii: "/")
                    length = 2
                } else if let printable = Self.printable(original, at: position) {
                    byte = printable
                    length = 6
                } else {
                    // Both bytes of an escape, so that `\\u002d` is not taken for one.
                    bytes.append(byte)
                    offsets.append(position)
                    position += 1
                    byte = original[position]
                }
            }
            bytes.append(byte)
            offsets.append(position)
            position += length
        }
        offsets.append(original.count)
        self.bytes = bytes
        self.offsets = offsets
    }

    func original(_ range: Range<Int>) -> Range<Int> { offsets[range.lowerBound]..<offsets[range.upperBound] }

    /// The character of `\u0021`…`\u007e` at a backslash, but for quotes and backslashes.
    private static func printable(_ text: UnsafeRawBufferPointer, at position: Int) -> UInt8? {
        guard position + 6 <= text.count, text[position + 1] == UInt8(ascii: "u"),
            text[position + 2] == UInt8(ascii: "0"),
            text[position + 3] == UInt8(ascii: "0"), let high = digit(text[position + 4]),
            let low = digit(text[position + 5])
        else { return nil }
        let byte = high << 4 | low
        return (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") ? byte : nil
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
