import EventModel
import QueryLanguage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Packs a record's text (``TextMark``) in the pass over its tokens that the token index needs anyway. Its owner calls ``free()``.
///
/// Values are looked for where a token of theirs begins, and taken where they end as a token does: so a value that stands for text
/// has the same tokens as the text. Cost: linear in the text.
struct TextPacker {
    /// A value that can stand for text.
    private struct Value: BitwiseCopyable {
        let start: UnsafeRawPointer
        let length: Int32
        /// Bytes before its first token.
        let lead: Int16
        let endsInToken: Bool
        let field: UInt8
        let element: UInt8
        /// Of those with the same hash: position + 1.
        let next: UInt8
    }

    /// More values of one record are not looked for: a record has some thirty, and what comes later is the tail of a list.
    static let maximumValues = 96
    /// Values that are compared at one place at most: else a sender could make many that begin alike, and text full of their beginning.
    static let maximumTries = 16
    /// Shorter ones are as short as their marks, or nearly.
    static let shortestValue = 4
    /// The shortest run of hexadecimal digits that is packed.
    static let shortestDigits = 8
    /// A value has to begin with a token, or have one within so many bytes.
    private static let longestLead = 16

    private var masks = TextMasks()
    /// By the hash of the first four bytes of a value's first token: position + 1 of the last such value.
    private let heads: UnsafeMutablePointer<UInt8>
    private let values: UnsafeMutablePointer<Value>
    private var count = 0
    /// The row's time, where text may stand for it.
    private var time: TimeText.Row?
    private var timeText = TimeText()

    init() {
        heads = .allocate(capacity: 256)
        values = .allocate(capacity: Self.maximumValues)
        heads.initialize(repeating: 0, count: 256)
    }

    func free() {
        masks.free()
        timeText.free()
        heads.deallocate()
        values.deallocate()
    }

    // MARK: Values

    /// Begins another record.
    mutating func removeValues() {
        count = 0
        heads.update(repeating: 0, count: 256)
    }

    /// Says what time the record has, which its text may repeat.
    mutating func setTime(_ time: Int64) { self.time = TimeText.Row(time) }

    /// Adds a value of the record. It has to stay where it is until the record's text is packed.
    mutating func add(field: UInt8, element: UInt8, _ value: UnsafeRawBufferPointer) {
        guard count < Self.maximumValues, value.count >= Self.shortestValue, value.count <= Int32.max,
            let start = value.baseAddress
        else { return }
        var lead = 0
        while !Self.isTokenByte(start + lead) {
            lead += 1
            guard lead < Self.longestLead, lead + 4 <= value.count else { return }
        }
        guard lead + 4 <= value.count else { return }
        let head = heads + Self.hash(start + lead)
        values[count] = Value(
            start: start, length: Int32(value.count), lead: Int16(lead),
            endsInToken: Self.isTokenByte(start + value.count - 1),
            field: field, element: element, next: head.pointee)
        count += 1
        head.pointee = UInt8(count)
    }

    @inline(__always)
    private static func isTokenByte(_ byte: UnsafeRawPointer) -> Bool {
        TextPredicate.isTokenByte(byte.load(as: UInt8.self))
    }

    @inline(__always)
    private static func hash(_ start: UnsafeRawPointer) -> Int {
        Int(truncatingIfNeeded: (start.loadUnaligned(as: UInt32.self) &* 0x9E37_79B1) >> 24)
    }

    /// The longest value that stands around the token at `start` and begins at or behind `floor`; of several alike the one that was
    /// added first.
    @inline(__always)
    private func value(
        at start: Int, from floor: Int, in text: UnsafeRawBufferPointer, _ base: UnsafeRawPointer
    ) -> UnsafeMutablePointer<Value>? {
        guard start + 4 <= text.count else { return nil }
        var slot = heads[Self.hash(base + start)]
        var best: UnsafeMutablePointer<Value>?
        var tries = 0
        while slot != 0, tries < Self.maximumTries {
            tries += 1
            let value = values + Int(slot - 1)
            slot = value.pointee.next
            let first = start - Int(value.pointee.lead)
            let length = Int(value.pointee.length)
            guard first >= floor, first + length <= text.count, length >= best.map({ Int($0.pointee.length) }) ?? 0,
                memcmp(base + first, value.pointee.start, length) == 0
            else { continue }
            if value.pointee.endsInToken, first + length < text.count, masks.isInToken(first + length) { continue }
            best = value
        }
        return best
    }

    // MARK: Packing

    /// Appends packed text to `plain` and what its digits stand for to `digits`.
    ///
    /// - Parameter body: gets the tokens of the text and their classes, as ``TokenScanner/scan(_:_:)`` gives them, and IPv4 addresses, but
    ///   for those of values that stand for a part of it.
    /// - Returns: Whether there may be an escape `\u` in the text.
    @inline(__always)
    mutating func pack(
        _ text: UnsafeRawBufferPointer, to plain: SegmentMemory, _ digits: SegmentMemory,
        _ body: (_ token: UnsafeRawBufferPointer, _ classes: UInt8) -> Void
    ) -> Bool {
        guard let base = text.baseAddress else { return false }
        masks.read(text)
        // At most every byte is escaped, or two digits make a byte.
        plain.reserve(text.count * 2)
        digits.reserve(text.count / 2)
        var output = PackedOutput(plain: plain.start + plain.count, digits: digits.start + digits.count)
        let hasMarks = masks.hasMarks
        // What is packed already ends here.
        var packed = 0
        var position = masks.tokenStart(from: 0, text.count)
        while position < text.count {
            let start = position
            if start >= packed, let value = value(at: start, from: packed, in: text, base) {
                let first = start - Int(value.pointee.lead)
                output.append(literal: base + packed, first - packed, hasMarks)
                output.append(field: value.pointee.field, element: value.pointee.element)
                packed = first + Int(value.pointee.length)
                if packed < text.count, text[packed] == UInt8(ascii: ".") {
                    forEachAddress(beginningIn: first..<packed, of: text, body)
                }
                position = masks.tokenStart(from: packed, text.count)
                continue
            }
            let end = masks.tokenEnd(from: start, text.count)
            let classes = masks.classes(of: start..<end)
            position = masks.tokenStart(from: end, text.count)
            let length = end - start
            body(UnsafeRawBufferPointer(start: base + start, count: length), classes & TextMasks.tokenClasses)
            if TokenScanner.mayBeginAddress(classes & TextMasks.tokenClasses, length: length),
                let addressEnd = TokenScanner.addressEnd(text, from: start)
            {
                body(text.slice(start..<addressEnd), TokenScanner.digit)
            }
            guard start >= packed else { continue }
            if let found = time(at: base + start, length, text.count - start) {
                output.append(literal: base + packed, start - packed, hasMarks)
                output.append(found)
                packed = start + found.count
                continue
            }
            guard length >= Self.shortestDigits, length <= TokenScanner.maximumWordBytes,
                TokenScanner.canBeDigits(classes)
            else { continue }
            if length == 8, isUUID(at: start, text) {
                output.append(literal: base + packed, start - packed, hasMarks)
                output.append(uuid: base + start)
                packed = start + TextMark.uuidCharacters
            } else if classes & TextMasks.lowerCase != 0, classes & TextMasks.upperCase == 0 {
                output.append(literal: base + packed, start - packed, hasMarks)
                output.append(digits: base + start, length / 2, isUpperCase: false)
                packed = start + length / 2 * 2
            } else if classes & TextMasks.upperCase != 0, classes & TextMasks.lowerCase == 0 {
                output.append(literal: base + packed, start - packed, hasMarks)
                output.append(digits: base + start, length / 2, isUpperCase: true)
                packed = start + length / 2 * 2
            }
        }
        output.append(literal: base + packed, text.count - packed, hasMarks)
        plain.commit(output.plain - (plain.start + plain.count))
        digits.commit(output.digits - (digits.start + digits.count))
        return masks.mayHaveUnicodeEscape
    }

    /// Calls `body` with the IPv4 addresses that begin in what a value stands for and end behind it.
    private func forEachAddress(
        beginningIn part: Range<Int>, of text: UnsafeRawBufferPointer,
        _ body: (_ token: UnsafeRawBufferPointer, _ classes: UInt8) -> Void
    ) {
        let lowest = max(part.lowerBound, part.upperBound - TokenScanner.maximumAddressBytes)
        for start in lowest..<part.upperBound
        where masks.isInToken(start) && (start == 0 || !masks.isInToken(start - 1)) {
            guard let end = TokenScanner.addressEnd(text, from: start), end > part.upperBound else { continue }
            body(text.slice(start..<end), TokenScanner.digit)
        }
    }

    /// A time like the row's that begins with a token of so many bytes.
    @inline(__always)
    private mutating func time(at start: UnsafeRawPointer, _ length: Int, _ rest: Int) -> TimeText.Found? {
        guard let time, start.load(as: UInt8.self) &- UInt8(ascii: "0") < 10 else { return nil }
        return switch length {
        case 4: timeText.found(time, at: start, rest)
        case 10, 13, 16, 19: TimeText.found(time, decimal: start, length)
        default: nil
        }
    }

    /// Whether a UUID in lower case begins here that ends as a token does.
    @inline(__always)
    private func isUUID(at start: Int, _ text: UnsafeRawBufferPointer) -> Bool {
        let end = start + TextMark.uuidCharacters
        guard end <= text.count, text[start + 8] == UInt8(ascii: "-"), text[start + 13] == UInt8(ascii: "-"),
            text[start + 18] == UInt8(ascii: "-"), text[start + 23] == UInt8(ascii: "-"),
            end == text.count || !masks.isInToken(end)
        else { return false }
        for (first, count) in [(0, 8), (9, 4), (14, 4), (19, 4), (24, 12)] {
            let part = start + first..<start + first + count
            // A part with a gap would end before.
            guard masks.tokenEnd(from: part.lowerBound, text.count) == part.upperBound else { return false }
            let classes = masks.classes(of: part)
            guard TokenScanner.canBeDigits(classes), classes & TextMasks.upperCase == 0 else { return false }
        }
        return true
    }
}
