import EventModel

/// Which bytes of a text belong to tokens, and what they are, as one bit a byte: found sixteen bytes at a time, so that a token
/// costs a few instructions and no branch for each of its bytes. Its owner calls ``free()``.
struct TextMasks {
    /// Of 64 bytes, the first in the lowest bit.
    private struct Block: BitwiseCopyable {
        var token: UInt64 = 0
        var digit: UInt64 = 0
        /// Hexadecimal digits that are letters.
        var lower: UInt64 = 0
        var upper: UInt64 = 0
        var nonASCII: UInt64 = 0
    }

    /// What is in a token, beside the classes of ``TokenScanner``, which are the low four bits.
    static let tokenClasses: UInt8 = 0x0F
    static let lowerCase: UInt8 = 0x10
    static let upperCase: UInt8 = 0x20

    private var blocks = GrowableMemory<Block>(capacity: 64)
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
        blocks.reserve(text.count / 64 + 1)
        var backslash: UInt64 = 0
        var (marks, escapes): (UInt64, UInt64) = (0, 0)
        func add(_ bytes: UnsafeRawPointer) {
            var block = Block()
            var (isBackslash, isU): (UInt64, UInt64) = (0, 0)
            for part in 0..<4 {
                let shift = UInt64(part * 16)
                let bytes = bytes.loadUnaligned(fromByteOffset: part * 16, as: SIMD16<UInt8>.self)
                let letter = (bytes | 0x20) &- UInt8(ascii: "a")
                let isDigit = (bytes &- UInt8(ascii: "0")) .< 10
                let isHex = letter .< 6
                let isHigh = bytes .>= 0x80
                let isToken = (letter .< 26) .| isDigit .| isHigh .| (bytes .== UInt8(ascii: "_"))
                let isLower = (bytes & 0x20) .!= 0
                block.token |= Self.bits(isToken) << shift
                block.digit |= Self.bits(isDigit) << shift
                block.lower |= Self.bits(isHex .& isLower) << shift
                block.upper |= Self.bits(isHex .& .!isLower) << shift
                block.nonASCII |= Self.bits(isHigh) << shift
                marks |= Self.bits(bytes .< TextMark.limit)
                isBackslash |= Self.bits(bytes .== UInt8(ascii: "\\")) << shift
                isU |= Self.bits(bytes .== UInt8(ascii: "u")) << shift
            }
            escapes |= (isBackslash << 1 | backslash) & isU
            backslash = isBackslash >> 63
            blocks.appendReserved(block)
        }
        let whole = text.count & ~63
        for offset in stride(from: 0, to: whole, by: 64) { add(base + offset) }
        if whole < text.count {
            // Blanks behind the end belong to no token.
            var rest = InlineArray<8, UInt64>(repeating: 0x2020_2020_2020_2020)
            withUnsafeMutableBytes(of: &rest) { rest in
                rest.copyMemory(from: text.slice(whole..<text.count))
                add(UnsafeRawPointer(rest.baseAddress!))
            }
        }
        hasMarks = marks != 0
        mayHaveUnicodeEscape = escapes != 0
    }

    /// One bit for each of sixteen bytes that are all ones or all zeros.
    @inline(__always)
    private static func bits(_ mask: SIMDMask<SIMD16<Int8>>) -> UInt64 {
        // Of the first byte the lowest bit, of the second the next; adding the bytes up puts them into the highest.
        let (chosen, ones): (UInt64, UInt64) = (0x8040_2010_0804_0201, 0x0101_0101_0101_0101)
        let halves = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        let low = ((UInt64(littleEndian: halves.x) & chosen) &* ones) >> 56
        let high = ((UInt64(littleEndian: halves.y) & chosen) &* ones) >> 56
        return low | high << 8
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
            let lower = block.lower & range
            let upper = block.upper & range
            found |= (digits != 0 ? TokenScanner.digit : 0) | (lower | upper != 0 ? TokenScanner.hexLetter : 0)
            found |= (lower != 0 ? Self.lowerCase : 0) | (upper != 0 ? Self.upperCase : 0)
            found |= digits | lower | upper != range ? TokenScanner.otherLetter : 0
            found |= block.nonASCII & range != 0 ? TokenScanner.nonASCII : 0
            guard number < last else { return found }
            number += 1
            range = .max
        }
    }

    /// The bits of a block from a position on.
    @inline(__always)
    private static func bits(from position: Int) -> UInt64 { UInt64.max << UInt64(position & 63) }
}
