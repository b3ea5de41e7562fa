import EventModel

/// Reads Avro's binary encoding (specification 1.11, "Binary Encoding"). Each step is within the bytes, so reading ends.
struct AvroReader {
    /// Values inside values. A schema that names itself can nest without end.
    static let maximumDepth = 64

    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    /// A variable-length zig-zag number.
    mutating func integer() throws -> Int64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < bytes.count else { throw Self.cut }
            let byte = bytes[position]
            position += 1
            guard shift < 63 || byte < 2 else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Varint.number(zigzag: value) }
        }
        throw IntakeError(.malformed, "a number is larger than 64 bits")
    }

    mutating func take(_ count: Int64) throws -> UnsafeRawBufferPointer {
        guard count >= 0, count <= Int64(bytes.count - position) else { throw Self.cut }
        defer { position += Int(count) }
        return bytes.slice(position..<position + Int(count))
    }

    /// Bytes or a string: a length and as many bytes.
    mutating func lengthPrefixed() throws -> UnsafeRawBufferPointer { try take(try integer()) }

    /// Calls `body` for each item of an array or a map, which come in blocks up to an empty one.
    mutating func items(_ body: (inout AvroReader) throws -> Void) throws {
        while true {
            var count = try integer()
            guard count != 0 else { return }
            if count < 0 {
                guard count > .min else { throw Self.cut }
                count = -count
                _ = try integer()
            }
            // Only items of no bytes could be more than there are bytes, and make a reader count for ever.
            guard count <= Int64(bytes.count) else { throw Self.cut }
            for _ in 0..<count { try body(&self) }
        }
    }

    /// Steps over a value.
    mutating func skip(_ schema: AvroSchema, _ names: [String: AvroSchema], depth: Int = 0) throws {
        guard depth < Self.maximumDepth else { throw IntakeError(.malformed, "a value is too deep") }
        switch schema {
        case .null: break
        case .boolean: _ = try take(1)
        case .integer: _ = try integer()
        case .float: _ = try take(4)
        case .double: _ = try take(8)
        case .bytes, .string: _ = try lengthPrefixed()
        case .fixed(let size): _ = try take(Int64(size))
        case .array(let item): try items { try $0.skip(item, names, depth: depth + 1) }
        case .map(let value):
            try items {
                _ = try $0.lengthPrefixed()
                try $0.skip(value, names, depth: depth + 1)
            }
        case .union(let branches): try skip(try branch(of: branches), names, depth: depth + 1)
        case .record(let fields): for field in fields { try skip(field.schema, names, depth: depth + 1) }
        case .named(let name):
            guard let declared = names[name] else { throw IntakeError(.malformed, "the type \(name) is not declared") }
            try skip(declared, names, depth: depth + 1)
        }
    }

    mutating func branch(of branches: [AvroSchema]) throws -> AvroSchema {
        let number = try integer()
        guard branches.indices.contains(Int(clamping: number)) else {
            throw IntakeError(.malformed, "a union has no branch \(number)")
        }
        return branches[Int(number)]
    }

    static let cut = IntakeError(.malformed, "the Avro data is cut off")
}
