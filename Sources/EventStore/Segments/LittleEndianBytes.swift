import EventModel

/// Bytes being written as little-endian numbers.
struct LittleEndianBytes {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

/// A cursor over little-endian numbers; the caller has checked that there are enough bytes.
struct LittleEndianReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func next<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type) -> Number {
        defer { position += MemoryLayout<Number>.size }
        return bytes.number(at: position, as: Number.self)
    }
}

extension UnsafeRawBufferPointer {
    /// The little-endian number at an offset, which need not be aligned.
    @inline(__always)
    func number<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as _: Number.Type) -> Number {
        Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
}
