import EventModel

/// Where packed text is written. There is room for everything.
struct PackedOutput {
    private(set) var plain: UnsafeMutableRawPointer
    private(set) var digits: UnsafeMutableRawPointer

    init(plain: UnsafeMutableRawPointer, digits: UnsafeMutableRawPointer) {
        self.plain = plain
        self.digits = digits
    }

    @inline(__always)
    private mutating func put(_ byte: UInt8) {
        plain.storeBytes(of: byte, as: UInt8.self)
        plain += 1
    }

    @inline(__always)
    mutating func append(literal start: UnsafeRawPointer, _ count: Int, _ hasMarks: Bool) {
        guard hasMarks else {
            plain.copyMemory(from: start, byteCount: count)
            plain += count
            return
        }
        for byte in UnsafeRawBufferPointer(start: start, count: count) {
            if byte < TextMark.limit { put(TextMark.escape) }
            put(byte)
        }
    }

    @inline(__always)
    mutating func append(field: UInt8, element: UInt8) {
        put(element == 0 ? TextMark.value : TextMark.element)
        put(field)
        if element != 0 { put(element) }
    }

    @inline(__always)
    mutating func append(_ time: TimeText.Found) {
        put(TextMark.time)
        put(time.form)
        guard time.form & TimeText.differs != 0 else { return }
        var rest = time.difference
        while rest >= 0x80 {
            put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        put(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    mutating func append(uuid start: UnsafeRawPointer) {
        put(TextMark.uuid)
        append(bytesOf: start, 4)
        append(bytesOf: start + 9, 2)
        append(bytesOf: start + 14, 2)
        append(bytesOf: start + 19, 2)
        append(bytesOf: start + 24, 6)
    }

    @inline(__always)
    mutating func append(digits start: UnsafeRawPointer, _ count: Int, isUpperCase: Bool) {
        put(TextMark.digits)
        put(UInt8(count) | (isUpperCase ? TextMark.upperCase : 0))
        append(bytesOf: start, count)
    }

    @inline(__always)
    private mutating func append(bytesOf start: UnsafeRawPointer, _ count: Int) {
        var position = 0
        while position + 4 <= count {
            let number = HexDigits.number(
                ofDigits: UInt64(littleEndian: (start + position * 2).loadUnaligned(as: UInt64.self)))
            digits.storeBytes(of: number.bigEndian, as: UInt32.self)
            digits += 4
            position += 4
        }
        while position < count {
            let pair = (start + position * 2).loadUnaligned(as: (UInt8, UInt8).self)
            digits.storeBytes(
                of: HexDigits.number(digit: pair.0) << 4 | HexDigits.number(digit: pair.1), as: UInt8.self)
            digits += 1
            position += 1
        }
    }
}
