internal import CTextMasks
import EventModel

/// Which bytes of a text belong to tokens, and what they are, as one bit a byte: found for many bytes at once, so that a token costs
/// a few instructions and no branch for each of its bytes. Its owner calls ``free()``.
struct TextMasks {
    /// What is in a token, beside the classes of ``TokenScanner``, which are the low four bits.
    static let tokenClasses: UInt8 = 0x0F
    static let lowerCase: UInt8 = 0x10
    static let upperCase: UInt8 = 0x20

    private var blocks = GrowableMemory<custody_text_block>(capacity: 64)
    /// Whether there is a byte that is a ``TextMark``.
    private(set) var hasMarks = false
    /// Whether an `u` follows a backslash: whether that begins an escape depends on what is before.
    private(set) var mayHaveUnicodeEscape = false

    func free() { blocks.free() }

    /// Reads a text. What was read before is forgotten.
    mutating func read(_ text: UnsafeRawBufferPointer) {
        blocks.removeAll()
        hasMarks = false
        mayHaveUnicodeEscape = false
        guard let base = text.baseAddress else { return }
        let whole = text.count / 64
        let count = (text.count + 63) / 64
        blocks.append(custody_text_block(), repeated: count)
        custody_text_masks(base.assumingMemoryBound(to: UInt8.self), whole, TextMark.limit, blocks.start)
        if whole < count {
            // Blanks behind the end belong to no token.
            var rest = InlineArray<64, UInt8>(repeating: UInt8(ascii: " "))
            withUnsafeMutableBytes(of: &rest) { rest in
                rest.copyMemory(from: text.slice(whole * 64..<text.count))
                custody_text_masks(
                    rest.baseAddress!.assumingMemoryBound(to: UInt8.self), 1, TextMark.limit, blocks.start + whole)
            }
        }
        var (marks, escapes, backslash): (UInt64, UInt64, UInt64) = (0, 0, 0)
        for block in blocks.buffer {
            marks |= block.below
            escapes |= (block.backslash << 1 | backslash) & block.small_u
            backslash = block.backslash >> 63
        }
        hasMarks = marks != 0
        mayHaveUnicodeEscape = escapes != 0
    }

    /// Where the next token begins, at or behind a position; `count` where there is none.
    @inline(__always)
    func tokenStart(from position: Int, _ count: Int) -> Int {
        guard position < count else { return count }
        var number = position >> 6
        var word = blocks[number].token & Self.bits(from: position)
        while word == 0 {
            number += 1
            guard number < blocks.count else { return count }
            word = blocks[number].token
        }
        return number << 6 | word.trailingZeroBitCount
    }

    /// Where the token ends that a position is in.
    @inline(__always)
    func tokenEnd(from position: Int, _ count: Int) -> Int {
        var number = position >> 6
        var word = ~blocks[number].token & Self.bits(from: position)
        while word == 0 {
            number += 1
            guard number < blocks.count else { return count }
            word = ~blocks[number].token
        }
        return min(number << 6 | word.trailingZeroBitCount, count)
    }

    @inline(__always)
    func isInToken(_ position: Int) -> Bool { blocks[position >> 6].token & 1 << UInt64(position & 63) != 0 }

    /// What the bytes of a token are.
    @inline(__always)
    func classes(of token: Range<Int>) -> UInt8 {
        var found: UInt8 = 0
        var number = token.lowerBound >> 6
        let last = (token.upperBound - 1) >> 6
        var range = Self.bits(from: token.lowerBound)
        while true {
            if number == last { range &= UInt64.max >> UInt64(63 - (token.upperBound - 1) & 63) }
            let block = blocks[number]
            let digits = block.digit & range
            let lower = block.lower_hex & range
            let upper = block.upper_hex & range
            found |= (digits != 0 ? TokenScanner.digit : 0) | (lower | upper != 0 ? TokenScanner.hexLetter : 0)
            found |= (lower != 0 ? Self.lowerCase : 0) | (upper != 0 ? Self.upperCase : 0)
            found |= digits | lower | upper != range ? TokenScanner.otherLetter : 0
            found |= block.non_ascii & range != 0 ? TokenScanner.nonASCII : 0
            guard number < last else { return found }
            number += 1
            range = .max
        }
    }

    /// The bits of a block from a position on.
    @inline(__always)
    private static func bits(from position: Int) -> UInt64 { UInt64.max << UInt64(position & 63) }
}
