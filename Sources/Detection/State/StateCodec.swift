package import EventModel

/// Writes the state of operators: little-endian integers and bytes with their length before them. What the fields are is
/// up to the operator, which begins with a version of its own.
package struct StateEncoder {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func write(_ value: UInt8) { bytes.append(value) }

    /// A number in as few bytes as it needs (LEB128).
    package mutating func write(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }

    /// - Precondition: The count is not negative.
    package mutating func write(count: Int) { write(UInt64(count)) }

    package mutating func write(_ value: Int64) { write(fixed: UInt64(bitPattern: value)) }
    package mutating func write(_ value: Double) { write(fixed: value.bitPattern) }
    package mutating func write(_ value: Timestamp) { write(value.rawValue) }
    package mutating func write(_ value: LeafIndex) { write(value.rawValue) }
    package mutating func write(_ value: Bool) { write(UInt8(value ? 1 : 0)) }

    package mutating func write(_ value: [UInt8]) {
        write(count: value.count)
        bytes.append(contentsOf: value)
    }

    package mutating func write(_ value: String) { write(Array(value.utf8)) }

    /// Eight bytes, for values that use all of them, such as hashes.
    package mutating func write(fixed value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Bytes whose number the reader knows.
    package mutating func write(raw: UnsafeRawBufferPointer) { bytes.append(contentsOf: raw) }
}

/// Reads what a ``StateEncoder`` wrote.
package struct StateDecoder {
    private let bytes: [UInt8]
    private var position = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var isAtEnd: Bool { position == bytes.count }
    private var rest: Int { bytes.count - position }

    static func malformed(_ reason: String) -> DetectionError { DetectionError(.malformedState, reason) }

    package mutating func readByte() throws -> UInt8 {
        guard rest > 0 else { throw Self.malformed("the state ends early") }
        defer { position += 1 }
        return bytes[position]
    }

    package mutating func readUInt64() throws -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readByte()
            guard shift < 63 || byte <= 1 else { throw Self.malformed("a number is too large") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// A count of things of which each takes at least `bytesEach` bytes: a damaged count cannot ask for all memory.
    package mutating func readCount(bytesEach: Int = 1) throws -> Int {
        let value = try readUInt64()
        guard value <= UInt64(rest / max(bytesEach, 1)) else {
            throw Self.malformed("a count is larger than the state")
        }
        return Int(value)
    }

    package mutating func readFixed() throws -> UInt64 {
        guard rest >= 8 else { throw Self.malformed("the state ends early") }
        defer { position += 8 }
        return bytes.withUnsafeBytes {
            UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        }
    }

    package mutating func readInt64() throws -> Int64 { Int64(bitPattern: try readFixed()) }
    package mutating func readDouble() throws -> Double { Double(bitPattern: try readFixed()) }
    package mutating func readTimestamp() throws -> Timestamp { Timestamp(rawValue: try readInt64()) }
    package mutating func readIndex() throws -> LeafIndex { LeafIndex(try readUInt64()) }

    package mutating func readBool() throws -> Bool {
        let byte = try readByte()
        guard byte <= 1 else { throw Self.malformed("neither true nor false") }
        return byte == 1
    }

    package mutating func readBytes() throws -> [UInt8] { try readRaw(try readCount()) }

    package mutating func readRaw(_ count: Int) throws -> [UInt8] {
        guard count >= 0, count <= rest else { throw Self.malformed("the state ends early") }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    package mutating func readString() throws -> String {
        guard let text = String(validating: try readBytes(), as: UTF8.self) else {
            throw Self.malformed("a text is not UTF-8")
        }
        return text
    }
}
