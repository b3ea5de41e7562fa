import EventModel
import QueryLanguage

/// What the token index takes a token for.
enum TokenKind {
    /// Kept as text, so that parts of it can be searched.
    case word
    /// Hexadecimal digits with a decimal one among them (numbers, digests, parts of UUIDs), kept as a hash.
    case identifier
    /// Longer than ``TokenScanner/maximumWordBytes``: kept as a hash, its bundle is noted as opaque to searches for parts.
    case opaque
}

/// Splits text into tokens, which ``QueryLanguage/TextMatch`` defines, and tells their kinds. Its owner calls ``free()``.
struct TokenScanner {
    /// Longer words are blobs, of which nobody searches a part; text of theirs would make the dictionary as large as the
    /// records.
    static let maximumWordBytes = 128

    static let hexLetter: UInt8 = 1
    static let digit: UInt8 = 2
    static let otherLetter: UInt8 = 4
    static let nonASCII: UInt8 = 8

    /// For each byte, 0 when it belongs to no token.
    private let classes: UnsafeMutablePointer<UInt8>

    init() {
        classes = .allocate(capacity: 256)
        for byte in UInt8.min ... .max { classes[Int(byte)] = Self.byteClass(byte) }
    }

    func free() { classes.deallocate() }

    private static func byteClass(_ byte: UInt8) -> UInt8 {
        guard TextPredicate.isTokenByte(byte) else { return 0 }
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return digit
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): return hexLetter
        case 0x80...0xFF: return otherLetter | nonASCII
        default: return otherLetter
        }
    }

    /// Calls `body` with each token as it stands in the text and the classes of its bytes.
    @inline(__always)
    func scan(
        _ text: UnsafeRawBufferPointer, _ body: (_ token: UnsafeRawBufferPointer, _ classes: UInt8) -> Void
    ) {
        guard let base = text.baseAddress else { return }
        let count = text.count
        var position = 0
        while position < count {
            let start = position
            var found: UInt8 = 0
            while position < count {
                let byteClass = classes[Int(base.load(fromByteOffset: position, as: UInt8.self))]
                if byteClass == 0 { break }
                found |= byteClass
                position += 1
            }
            if found != 0 { body(UnsafeRawBufferPointer(start: base + start, count: position - start), found) }
            position += 1
        }
    }

    /// - Parameter classes: as ``scan(_:_:)`` gave them.
    @inline(__always)
    static func kind(_ classes: UInt8, length: Int) -> TokenKind {
        if length > maximumWordBytes { return .opaque }
        return classes & otherLetter == 0 && classes & digit != 0 ? .identifier : .word
    }

    /// The classes of a token's bytes.
    static func classes(of token: UnsafeRawBufferPointer) -> UInt8 { token.reduce(0) { $0 | byteClass($1) } }

    /// The kind of a folded token.
    static func kind(of token: UnsafeRawBufferPointer) -> TokenKind { kind(classes(of: token), length: token.count) }

    /// Whether an identifier is stored by its beginning: a letter among its digits tells a digest, a commit or a UUID, whose first
    /// digits are as good as random. Decimal numbers, of which many begin alike, are not.
    @inline(__always)
    static func isStoredByBeginning(_ classes: UInt8, length: Int) -> Bool {
        length <= maximumWordBytes && classes & (hexLetter | digit | otherLetter) == hexLetter | digit
    }

    /// The longest number of an IPv4 address.
    static let maximumOctetDigits = 3
    /// The longest IPv4 address.
    static let maximumAddressBytes = 15

    /// Where an IPv4 address ends that begins with a token: four numbers of at most three digits with a point between each, whatever is
    /// around. The index keeps it as an identifier, beside those of its numbers: they are everywhere, and it is what people look for.
    @inline(__always)
    static func addressEnd(_ text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var position = start
        for number in 0..<4 {
            if number > 0 {
                guard position < text.count, text[position] == UInt8(ascii: ".") else { return nil }
                position += 1
            }
            let first = position
            while position < text.count, text[position] &- UInt8(ascii: "0") < 10 { position += 1 }
            guard position > first, position - first <= maximumOctetDigits else { return nil }
        }
        return position < text.count && TextPredicate.isTokenByte(text[position]) ? nil : position
    }

    /// Whether a token may be the first number of an IPv4 address.
    @inline(__always)
    static func mayBeginAddress(_ classes: UInt8, length: Int) -> Bool {
        classes == digit && length <= maximumOctetDigits
    }

    /// Whether a token, or a byte, is nothing but hexadecimal digits.
    @inline(__always)
    static func canBeDigits(_ classes: UInt8) -> Bool {
        classes & (hexLetter | digit) != 0 && classes & (otherLetter | nonASCII) == 0
    }

    /// Whether there is a hexadecimal digit that is a letter.
    static func hasLetter(_ classes: UInt8) -> Bool { classes & hexLetter != 0 }

    /// Whether a part of a token can be part of an identifier.
    static func canBeInsideIdentifier(_ part: UnsafeRawBufferPointer) -> Bool {
        part.allSatisfy { byteClass($0) & otherLetter == 0 }
    }
}

/// Hashes of tokens, whatever the case of their ASCII letters.
enum TokenHash {
    /// Bits that segments store of identifiers. In half a million rows every fifth look-up then names a bundle too many, which
    /// its records rule out; each bit more costs a tenth of a byte for every identifier of a bundle.
    static let storedBits = 25
    /// Hexadecimal digits that a number of 32 bits has room for.
    private static let leadingDigits = 8

    /// The number that segments store of identifiers, which makes their order; part of the format. docs/format/segment.md §10.
    ///
    /// - Parameter classes: of the token's bytes.
    @inline(__always)
    static func stored(_ token: UnsafeRawBufferPointer, _ classes: UInt8) -> UInt32 {
        guard TokenScanner.isStoredByBeginning(classes, length: token.count) else {
            return UInt32(truncatingIfNeeded: of(token, seed: 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - storedBits))
        }
        return beginning(token, filling: 0)
    }

    /// The numbers of all identifiers stored by their beginning that begin with some hexadecimal digits.
    static func stored(beginningWith digits: UnsafeRawBufferPointer) -> ClosedRange<UInt32> {
        beginning(digits, filling: 0)...beginning(digits, filling: 0xF)
    }

    /// The first digits as a number, the first of them in the highest bits.
    @inline(__always)
    private static func beginning(_ digits: UnsafeRawBufferPointer, filling: UInt32) -> UInt32 {
        if digits.count >= leadingDigits {
            let first = UInt64(littleEndian: digits.loadUnaligned(as: UInt64.self))
            return HexDigits.number(ofDigits: first) >> UInt32(32 - storedBits)
        }
        var number: UInt32 = 0
        let count = digits.count
        for place in 0..<count { number = number << 4 | UInt32(HexDigits.number(digit: digits[place])) }
        for _ in count..<leadingDigits { number = number << 4 | filling }
        return number >> UInt32(32 - storedBits)
    }

    /// Multiply and fold, eight bytes at a time; the case bit is set everywhere, which tells ASCII tokens apart still.
    @inline(__always)
    static func of(_ token: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        let count = token.count
        var hash = seed ^ UInt64(truncatingIfNeeded: count) &* 0xA076_1D64_78BD_642F
        if count >= 8 {
            var position = 0
            while position + 8 < count {
                hash = mix(hash ^ word(token, position))
                position += 8
            }
            return mix(mix(hash ^ word(token, count - 8)))
        }
        var rest: UInt64 = 0
        if count >= 4 {
            rest = UInt64(UInt32(littleEndian: token.loadUnaligned(as: UInt32.self)))
            rest |= UInt64(UInt32(littleEndian: token.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))) << 32
        } else {
            for byte in token { rest = rest << 8 | UInt64(byte) }
        }
        return mix(mix(hash ^ (rest | 0x2020_2020_2020_2020)))
    }

    @inline(__always)
    private static func word(_ token: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        UInt64(littleEndian: token.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) | 0x2020_2020_2020_2020
    }

    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0xE703_7ED1_A0B4_28DB)
        return product.high ^ product.low
    }
}
