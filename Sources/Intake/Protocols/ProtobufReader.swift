import EventModel

/// Reads the wire format of Protocol Buffers (protobuf.dev/programming-guides/encoding), field by field, without copying.
///
/// Groups, which proto3 does not have, are refused. Every step moves forward, so reading ends.
struct ProtobufReader {
    enum Value {
        case varint(UInt64)
        case fixed64(UInt64)
        case bytes(UnsafeRawBufferPointer)
        case fixed32(UInt32)
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next field; nil at the end.
    ///
    /// - Throws: ``IntakeError`` `malformed`.
    mutating func next() throws -> (number: UInt64, value: Value)? {
        guard position < bytes.count else { return nil }
        let key = try varint()
        let number = key >> 3
        guard (1...536_870_911).contains(number) else { throw Self.malformed("a field number is out of range") }
        switch key & 7 {
        case 0: return (number, .varint(try varint()))
        case 1: return (number, .fixed64(try fixed(UInt64.self)))
        case 2:
            let length = try varint()
            guard length <= UInt64(bytes.count - position) else {
                throw Self.malformed("a length reaches beyond the end")
            }
            defer { position += Int(length) }
            return (number, .bytes(bytes.slice(position..<position + Int(length))))
        case 5: return (number, .fixed32(try fixed(UInt32.self)))
        default: throw Self.malformed("an unknown wire type")
        }
    }

    private mutating func varint() throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < bytes.count else { throw Self.malformed("a number is cut off") }
            let byte = bytes[position]
            position += 1
            // The tenth byte has room for one bit.
            guard shift < 63 || byte < 2 else { throw Self.malformed("a number is larger than 64 bits") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw Self.malformed("a number is larger than 64 bits")
    }

    private mutating func fixed<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        let size = MemoryLayout<Number>.size
        guard bytes.count - position >= size else { throw Self.malformed("a number is cut off") }
        defer { position += size }
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
    }

    private static func malformed(_ reason: String) -> IntakeError {
        IntakeError(.malformed, "the body is not the protobuf message that this route takes: \(reason)")
    }
}

/// Writes the wire format of Protocol Buffers: what small answers need.
package struct ProtobufWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func field(_ number: UInt64, varint value: UInt64) {
        guard value != 0 else { return }
        append(number << 3)
        append(value)
    }

    package mutating func field(_ number: UInt64, bytes value: some Collection<UInt8>) {
        append(number << 3 | 2)
        append(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    private mutating func append(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }
}
