/// Walks over JSON bytes without building anything, as far as redaction needs: where strings are. Bytes that are no JSON
/// give some ranges inside the text, never a trap.
struct JSONStrings {
    /// The contents of the strings inside the container, keys left out.
    private(set) var values: [Range<Int>] = []
    /// Where the walk ended.
    private(set) var end: Int

    /// Walks over the array or object that opens at an offset: to its end with all inner containers when `nested`, else to
    /// the first inner container, so that a list of objects costs nothing.
    init(in text: UnsafeRawBufferPointer, containerAt start: Int, nested: Bool) {
        var depth = 0
        var position = start
        end = text.count
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                if !nested, depth > 1 {
                    end = position
                    return
                }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 {
                    end = position + 1
                    return
                }
            case UInt8(ascii: "\""):
                let close = NamedValue.closingQuote(text, position + 1, level: 0)
                if !Self.isKey(text, endingAt: close) { values.append(position + 1..<close) }
                position = close
            default: break
            }
            position += 1
        }
    }

    private static func isKey(_ text: UnsafeRawBufferPointer, endingAt end: Int) -> Bool {
        var position = end + 1
        while position < text.count, CharacterClass.isSpace(text[position]) { position += 1 }
        return position < text.count && text[position] == UInt8(ascii: ":")
    }
}
