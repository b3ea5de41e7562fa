import EventModel

/// Text as it is stored: packed (``TextMark``), and what its digits stand for.
struct StoredText {
    let text: UnsafeRawBufferPointer
    let digits: UnsafeRawBufferPointer
    /// Bytes when it is expanded.
    let count: Int
}

/// Reads one record's packed text and digits from the beginning to the end.
///
/// What it writes is as long as its caller says and no longer, so that a file made on purpose cannot make much of little.
struct TextExpander {
    /// The packed text or its digits are not what a ``TextPacker`` writes.
    struct Malformed: Error {}

    /// Room behind what is expanded.
    static let spareBytes = 16

    let text: UnsafeRawBufferPointer
    /// Of the next byte of the text.
    var position = 0
    private let digits: UnsafeRawBufferPointer
    private var digitPosition = 0

    init(_ stored: StoredText) {
        text = stored.text
        digits = stored.digits
    }

    /// Whether nothing is left.
    var isAtEnd: Bool { position == text.count && digitPosition == digits.count }

    mutating func byte() throws(Malformed) -> UInt8 {
        guard position < text.count else { throw Malformed() }
        position += 1
        return text[position - 1]
    }

    mutating func number() throws(Malformed) -> Int {
        guard let number = Varint.read(text, at: &position), number <= UInt64(BlockDecoder.maximumPlainBytes) else {
            throw Malformed()
        }
        return Int(number)
    }

    /// Appends text that is `length` bytes long when it is expanded.
    ///
    /// - Parameters:
    ///   - time: gives the row's time, nil where no mark may stand for a part of it.
    ///   - timeText: makes text of times.
    ///   - value: gives the value of a field and element, nil when the record has none.
    @inline(__always)
    mutating func expand(
        _ length: Int, to output: SegmentMemory, time: () throws -> Int64?, _ timeText: inout TimeText,
        value: (UInt8, Int) throws -> UnsafeRawBufferPointer?
    ) throws {
        output.reserve(length)
        var target = output.start + output.count
        let end = target + length
        while target < end {
            let literal = TextMark.literalCount(in: text, from: position, atMost: end - target)
            target.copyMemory(from: text.baseAddress! + position, byteCount: literal)
            target += literal
            position += literal
            guard target < end else { break }
            switch try byte() {
            case TextMark.escape:
                target.storeBytes(of: try byte(), as: UInt8.self)
                target += 1
            case TextMark.value:
                try Self.append(try value(try byte(), 0), to: &target, end)
            case TextMark.element:
                let field = try byte()
                try Self.append(try value(field, Int(try byte())), to: &target, end)
            case TextMark.uuid:
                guard end - target >= TextMark.uuidCharacters else { throw Malformed() }
                let bytes = try nextDigits(16)
                for position in 0..<16 {
                    if position == 4 || position == 6 || position == 8 || position == 10 {
                        target.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self)
                        target += 1
                    }
                    Self.append(bytes[position], upperCase: 0, to: &target)
                }
            case TextMark.time:
                guard let time = try time() else { throw Malformed() }
                let form = try byte()
                var difference: UInt64 = 0
                if form & TimeText.differs != 0 {
                    guard let number = Varint.read(text, at: &position) else { throw Malformed() }
                    difference = number
                }
                guard let count = timeText.write(time, form, difference, to: target, atMost: end - target) else {
                    throw Malformed()
                }
                target += count
            default:
                let form = try byte()
                let count = Int(form & ~TextMark.upperCase)
                guard end - target >= count * 2 else { throw Malformed() }
                for byte in try nextDigits(count) {
                    Self.append(byte, upperCase: form & TextMark.upperCase, to: &target)
                }
            }
        }
        output.commit(length)
    }

    private mutating func nextDigits(_ count: Int) throws(Malformed) -> UnsafeRawBufferPointer {
        guard count <= digits.count - digitPosition else { throw Malformed() }
        digitPosition += count
        return digits.slice(digitPosition - count..<digitPosition)
    }

    @inline(__always)
    private static func append(
        _ value: UnsafeRawBufferPointer?, to target: inout UnsafeMutableRawPointer, _ end: UnsafeMutableRawPointer
    ) throws(Malformed) {
        guard let value, let source = value.baseAddress, value.count <= end - target else { throw Malformed() }
        target.copyMemory(from: source, byteCount: value.count)
        target += value.count
    }

    /// Writes the two digits of a byte.
    @inline(__always)
    private static func append(_ byte: UInt8, upperCase: UInt8, to target: inout UnsafeMutableRawPointer) {
        // Letters follow the decimal digits by 39 places in lower case, by 7 in upper case.
        let letters: UInt8 = upperCase == 0 ? 39 : 7
        let (high, low) = (byte >> 4, byte & 15)
        target.storeBytes(of: high + 48 + (high > 9 ? letters : 0), as: UInt8.self)
        target.storeBytes(of: low + 48 + (low > 9 ? letters : 0), toByteOffset: 1, as: UInt8.self)
        target += 2
    }
}
