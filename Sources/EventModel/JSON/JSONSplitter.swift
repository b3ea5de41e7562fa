/// Finds the byte ranges of values inside JSON text, so that one event of a batch can be kept exactly as it was sent.
///
/// It balances brackets outside strings and nothing more: it is for text that a parser has accepted or will look at next.
/// Cost: one look at each byte.
package struct JSONSplitter {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next top-level value: for documents placed one after another with or without white space (or commas) between.
    /// Nil at the end. A value that is not closed reaches to the end of the text.
    package mutating func nextValue() -> Range<Int>? {
        position = skipSeparators(from: position)
        guard position < bytes.count else { return nil }
        let start = position
        position = endOfValue(from: start)
        return start..<position
    }

    /// The elements of the array that begins at or after `offset` (white space may stand before it); nil when there is
    /// none.
    package func elements(ofArrayAt offset: Int = 0) -> [Range<Int>]? {
        var at = skipSpace(from: offset)
        guard at < bytes.count, bytes[at] == UInt8(ascii: "[") else { return nil }
        at += 1
        var ranges: [Range<Int>] = []
        while true {
            at = skipSeparators(from: at)
            guard at < bytes.count, bytes[at] != UInt8(ascii: "]") else { return ranges }
            let end = endOfValue(from: at)
            ranges.append(at..<end)
            at = end
        }
    }

    /// Where the value of a member of the object at `offset` begins; nil when there is no such member. The key is compared
    /// as written, without unescaping: for the plain keys under which providers put their batches.
    package func offset(ofMember key: UnsafeRawBufferPointer, inObjectAt offset: Int = 0) -> Int? {
        var at = skipSpace(from: offset)
        guard at < bytes.count, bytes[at] == UInt8(ascii: "{") else { return nil }
        at += 1
        while true {
            at = skipSeparators(from: at)
            guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { return nil }
            let end = endOfString(from: at)
            let name = bytes.slice(at + 1..<max(at + 1, end - 1))
            at = skipSpace(from: end)
            guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else { return nil }
            at = skipSpace(from: at + 1)
            if name.hasSameBytes(as: key) { return at < bytes.count ? at : nil }
            at = endOfValue(from: at)
        }
    }

    /// The range of the value that begins at `offset`.
    package func value(at offset: Int) -> Range<Int> { offset..<endOfValue(from: offset) }

    private func skipSpace(from start: Int) -> Int {
        var at = start
        while at < bytes.count, bytes[at] <= 0x20 { at += 1 }
        return at
    }

    private func skipSeparators(from start: Int) -> Int {
        var at = start
        while at < bytes.count, bytes[at] <= 0x20 || bytes[at] == UInt8(ascii: ",") { at += 1 }
        return at
    }

    private func endOfString(from start: Int) -> Int {
        var at = start + 1
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\\"): at += 2
            case UInt8(ascii: "\""): return at + 1
            default: at += 1
            }
        }
        return bytes.count
    }

    private func endOfValue(from start: Int) -> Int {
        guard start < bytes.count else { return start }
        switch bytes[start] {
        case UInt8(ascii: "\""): return endOfString(from: start)
        case UInt8(ascii: "{"), UInt8(ascii: "["): return endOfContainer(from: start)
        default:
            var at = start
            while at < bytes.count {
                switch bytes[at] {
                case 0...0x20, UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"):
                    // A stray closing bracket is a value of its own, or no progress would be made.
                    return max(at, start + 1)
                default: at += 1
                }
            }
            return at
        }
    }

    private func endOfContainer(from start: Int) -> Int {
        var depth = 0
        var at = start
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\""):
                at = endOfString(from: at)
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return at + 1 }
            default: break
            }
            at += 1
        }
        return bytes.count
    }
}
