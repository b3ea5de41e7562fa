import EventModel

/// One value of a packed dictionary: what it has in common with the value before it, and its rest. docs/format/segment.md §5.
struct PackedValue {
    /// Bytes that it shares with the beginning of the value before.
    let shared: Int
    let literal: UnsafeRawBufferPointer
    /// Two hexadecimal digits each.
    let digits: UnsafeRawBufferPointer
    /// Whether sixteen bytes can be read from the beginning of the literal on.
    let hasSpareBytes: Bool

    /// The shortest run of digits at a value's end that is packed, in bytes.
    static let fewestDigitBytes = 4
    /// Longer values are in no segment, so that those of a block are counted in 32 bits.
    static let maximumBytes = 1 << 27

    /// Bytes of the value.
    var count: Int { shared + literal.count + digits.count * 2 }

    /// Bytes behind a value that may be overwritten while it is written: short texts are copied sixteen bytes at a time.
    static let spareBytes = 16

    /// Writes the value; its first `shared` bytes are copied from the value before, if they are not there already. There is room for
    /// ``spareBytes`` more, and as many lie behind the value before.
    @inline(__always)
    func write(to target: UnsafeMutableRawPointer, behind previous: UnsafeRawPointer) {
        if UnsafeRawPointer(target) != previous {
            if shared <= 16 {
                target.storeBytes(of: previous.loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
            } else {
                target.copyMemory(from: previous, byteCount: shared)
            }
        }
        var end = target + shared
        if let start = literal.baseAddress {
            if literal.count <= 16, hasSpareBytes {
                end.storeBytes(of: start.loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
            } else {
                end.copyMemory(from: start, byteCount: literal.count)
            }
        }
        end += literal.count
        var position = 0
        while position + 4 <= digits.count {
            let number = UInt32(bigEndian: digits.loadUnaligned(fromByteOffset: position, as: UInt32.self))
            end.storeBytes(of: HexDigits.digits(number).littleEndian, as: UInt64.self)
            end += 8
            position += 4
        }
        while position < digits.count {
            // The last two of the eight digits that a number of one byte has.
            let pair = HexDigits.digits(UInt32(digits[position])) >> 48
            end.storeBytes(of: UInt16(truncatingIfNeeded: pair).littleEndian, as: UInt16.self)
            end += 2
            position += 1
        }
    }
}

/// Reads the values of one block, in order. It believes nothing: what is wrong ends it.
struct PackedBlockReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var previous = -1
    private var isMalformed = false

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Whether all values were read.
    var isAtEnd: Bool { position == bytes.count && !isMalformed }

    /// The next value; nil behind the last, and from where the bytes are malformed on.
    @inline(__always)
    mutating func next() -> PackedValue? {
        guard position < bytes.count, !isMalformed else { return nil }
        guard let value = read() else {
            isMalformed = true
            return nil
        }
        previous = value.count
        return value
    }

    @inline(__always)
    private mutating func read() -> PackedValue? {
        var shared = 0
        if previous >= 0 {
            guard let number = Varint.read(bytes, at: &position), number <= UInt64(previous) else { return nil }
            shared = Int(number)
        }
        guard let header = Varint.read(bytes, at: &position), header >> 1 <= UInt64(bytes.count - position) else {
            return nil
        }
        let literal = bytes.slice(position..<position + Int(header >> 1))
        position += literal.count
        var digits = bytes.slice(position..<position)
        if header & 1 != 0 {
            guard let count = Varint.read(bytes, at: &position), count <= UInt64(bytes.count - position) else {
                return nil
            }
            digits = bytes.slice(position..<position + Int(count))
            position += digits.count
        }
        let value = PackedValue(
            shared: shared, literal: literal, digits: digits,
            hasSpareBytes: bytes.count - position + digits.count + literal.count >= 16)
        return value.count < PackedValue.maximumBytes ? value : nil
    }
}

/// Memory for one value at a time, each made of the one before. Its owner calls ``free()``.
struct PackedValueBuffer {
    private var start: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    init() {
        capacity = 256
        start = .allocate(byteCount: capacity + PackedValue.spareBytes, alignment: 8)
    }

    func free() { start.deallocate() }

    var value: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    mutating func removeAll() { count = 0 }

    /// Makes a value of the one that is here.
    @inline(__always)
    mutating func replace(by value: PackedValue) {
        reserve(value.count)
        value.write(to: start, behind: UnsafeRawPointer(start))
        count = value.count
    }

    /// Makes a value of the one that another buffer has.
    @inline(__always)
    mutating func replace(by value: PackedValue, behind other: PackedValueBuffer) {
        reserve(value.count)
        value.write(to: start, behind: UnsafeRawPointer(other.start))
        count = value.count
    }

    /// Makes one value of a block, by its place. Of those before only what it is made of is unpacked.
    ///
    /// - Returns: false when the block has no such value, or is malformed before it.
    mutating func read(_ place: Int, of block: UnsafeRawBufferPointer) -> Bool {
        withUnsafeTemporaryAllocation(of: PackedValue.self, capacity: PackedDictionary.valuesPerBlock) { values in
            guard place < values.count else { return false }
            var reader = PackedBlockReader(block)
            for position in 0...place {
                guard let value = reader.next() else { return false }
                values.initializeElement(at: position, to: value)
            }
            // What the value shares is told by the last one before that has some of it by itself; and so on with what that one shares.
            var needed: UInt32 = 1 << UInt32(place)
            var shared = values[place].shared
            var position = place - 1
            while shared > 0, position >= 0 {
                if values[position].shared < shared {
                    needed |= 1 << UInt32(position)
                    shared = values[position].shared
                }
                position -= 1
            }
            while needed != 0 {
                replace(by: values[needed.trailingZeroBitCount])
                needed &= needed - 1
            }
            return true
        }
    }

    @inline(__always)
    private mutating func reserve(_ needed: Int) {
        if needed > capacity { grow(to: needed) }
    }

    private mutating func grow(to needed: Int) {
        capacity = max(needed, capacity * 2)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity + PackedValue.spareBytes, alignment: 8)
        larger.copyMemory(from: start, byteCount: count)
        start.deallocate()
        start = larger
    }
}
