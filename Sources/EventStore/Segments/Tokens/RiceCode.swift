/// Rice's code for numbers that are mostly about as large as their mean: the quotient by 2ᵏ as so many zero bits and a one, then the
/// *k* lowest bits. Bits fill bytes from the lowest on. docs/format/segment.md §10.
enum RiceCode {
    /// More low bits than any number that is stored has.
    static let maximumBits = 56

    /// The bits to keep for numbers with a mean: so the quotients are one or two.
    static func bits(mean: UInt64) -> Int { mean < 2 ? 0 : min(63 - mean.leadingZeroBitCount, maximumBits) }
}

/// Writes numbers one after the other. Its owner calls ``free()``.
struct RiceWriter {
    private(set) var bytes = GrowableMemory<UInt8>(capacity: 1 << 16)
    private var buffer: UInt64 = 0
    private var filled: UInt64 = 0

    func free() { bytes.free() }

    @inline(__always)
    mutating func append(_ value: UInt64, bits: Int) {
        var zeros = value >> UInt64(bits)
        while zeros >= 32 {
            append(raw: 0, 32)
            zeros -= 32
        }
        append(raw: 1 << zeros, zeros + 1)
        append(raw: value & (1 << UInt64(bits) - 1), UInt64(bits))
    }

    /// - Parameter count: at most 56.
    @inline(__always)
    private mutating func append(raw value: UInt64, _ count: UInt64) {
        buffer |= value << filled
        filled += count
        while filled >= 8 {
            bytes.append(UInt8(truncatingIfNeeded: buffer))
            buffer >>= 8
            filled -= 8
        }
    }

    /// Appends a byte as it is; what was written before is aligned.
    mutating func append(byte: UInt8) { bytes.append(byte) }

    /// Fills the last byte with zeros, so that what follows begins with a byte.
    mutating func align() {
        guard filled > 0 else { return }
        bytes.append(UInt8(truncatingIfNeeded: buffer))
        (buffer, filled) = (0, 0)
    }
}

/// Reads numbers one after the other.
struct RiceReader: BitwiseCopyable {
    private let bytes: UnsafeRawBufferPointer
    /// Of the next byte that is not in `buffer`.
    private var position: Int
    private var buffer: UInt64 = 0
    private var filled = 0

    init(_ bytes: UnsafeRawBufferPointer, from position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    /// The byte behind the last that was read from.
    var end: Int { position - filled / 8 }
    /// Whether what is left of that byte is zero.
    var isPadded: Bool { buffer & (1 << UInt64(filled % 8) - 1) == 0 }

    /// The next number; nil at the end of the bytes, or when it would not fit 64 bits.
    @inline(__always)
    mutating func next(bits: Int) -> UInt64? {
        fill()
        var zeros = 0
        while buffer == 0 {
            zeros += filled
            filled = 0
            guard fill(), zeros <= 1 << 40 else { return nil }
        }
        let more = buffer.trailingZeroBitCount
        guard more < filled else { return nil }
        zeros += more
        buffer >>= UInt64(more)
        buffer >>= 1
        filled -= more + 1
        if filled < bits { fill() }
        guard filled >= bits, UInt64(zeros).leadingZeroBitCount >= bits else { return nil }
        let low = buffer & (1 << UInt64(bits) - 1)
        buffer >>= UInt64(bits)
        filled -= bits
        return UInt64(zeros) << UInt64(bits) | low
    }

    /// Brings more bytes in. False when there are none.
    @inline(__always)
    @discardableResult
    private mutating func fill() -> Bool {
        if position + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            // The bits above the last whole byte are read again later: they come to the same place.
            let count = (63 - filled) / 8
            buffer |= word << UInt64(filled)
            if filled + count * 8 < 64 { buffer &= 1 << UInt64(filled + count * 8) - 1 }
            position += count
            filled += count * 8
            return true
        }
        let start = position
        while filled <= 55, position < bytes.count {
            buffer |= UInt64(bytes[position]) << UInt64(filled)
            position += 1
            filled += 8
        }
        return position > start
    }
}
