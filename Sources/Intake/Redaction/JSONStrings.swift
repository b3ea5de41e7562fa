/// Walks over JSON bytes without building anything, as far as redaction needs: where strings are. Bytes that are no JSON
/// give some ranges inside the text, never a trap.
enum JSONStrings {
    /// The contents of the strings inside the array or object that opens at an offset, keys left out; of those in inner
    /// containers too when `nested`.
    static func values(in text: UnsafeRawBufferPointer, containerAt start: Int, nested: Bool) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var depth = 0
        var position = start
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return ranges }
            case UInt8(ascii: "\""):
                let end = NamedValue.closingQuote(text, position + 1, level: 0)
                if nested || depth == 1, !isKey(text, endingAt: end) { ranges.append(position + 1..<end) }
                position = end
            default: break
            }
            position += 1
        }
        return ranges
    }

    private static func isKey(_ text: UnsafeRawBufferPointer, endingAt end: Int) -> Bool {
        var position = end + 1
        while position < text.count, CharacterClass.isSpace(text[position]) { position += 1 }
        return position < text.count && text[position] == UInt8(ascii: ":")
    }
}
