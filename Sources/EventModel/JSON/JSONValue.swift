/// A value inside a parsed document: a position on simdjson's tape.
///
/// It is as cheap as an integer to copy, borrows the parser's memory and is valid only inside the closure of
/// ``JSONParser/withDocument(_:_:)-(UnsafeRawBufferPointer,_)``. Tape format: simdjson, doc/tape.md.
package struct JSONValue: BitwiseCopyable {
    package enum Kind: Sendable { case object, array, string, integer, unsigned, double, boolean, null }

    // Connectors walk the tape themselves: what they do at each member is inlined there.
    @usableFromInline let tape: UnsafePointer<UInt64>
    @usableFromInline let strings: UnsafePointer<UInt8>
    @usableFromInline let position: Int

    @inlinable
    init(tape: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>, position: Int) {
        self.tape = tape
        self.strings = strings
        self.position = position
    }

    @inlinable var word: UInt64 { tape[position] }
    @inlinable var tag: UInt8 { UInt8(truncatingIfNeeded: word >> 56) }

    @inlinable
    package var kind: Kind {
        switch tag {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "l"): .integer
        case UInt8(ascii: "u"): .unsigned
        case UInt8(ascii: "d"): .double
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
        default: .null
        }
    }

    @inlinable
    package var isContainer: Bool { tag == UInt8(ascii: "{") || tag == UInt8(ascii: "[") }
    @inlinable
    package var isString: Bool { tag == UInt8(ascii: "\"") }
    @inlinable
    package var isNull: Bool { tag == UInt8(ascii: "n") }

    /// The position just behind this value.
    @inlinable
    var end: Int {
        switch tag {
        case UInt8(ascii: "{"), UInt8(ascii: "["): Int(word & 0xFFFF_FFFF)
        case UInt8(ascii: "l"), UInt8(ascii: "u"), UInt8(ascii: "d"): position + 2
        default: position + 1
        }
    }

    // MARK: Scalars

    /// The bytes of a string, unescaped; nil for other kinds.
    @inlinable
    package var string: UnsafeRawBufferPointer? {
        guard isString else { return nil }
        return Self.string(at: Int(word & 0x00FF_FFFF_FFFF_FFFF), in: strings)
    }

    /// An integer that fits; nil for other kinds and larger numbers.
    package var int64: Int64? {
        switch kind {
        case .integer: Int64(bitPattern: tape[position + 1])
        case .unsigned: Int64(exactly: tape[position + 1])
        default: nil
        }
    }

    /// Any number as a double; nil for other kinds.
    package var double: Double? {
        switch kind {
        case .integer: Double(Int64(bitPattern: tape[position + 1]))
        case .unsigned: Double(tape[position + 1])
        case .double: Double(bitPattern: tape[position + 1])
        default: nil
        }
    }

    package var bool: Bool? {
        switch tag {
        case UInt8(ascii: "t"): true
        case UInt8(ascii: "f"): false
        default: nil
        }
    }

    /// Appends a scalar's text: a string's characters, a number in its shortest form, `true`, `false`. Containers and null
    /// append nothing. Returns whether something was appended (an empty string counts).
    @discardableResult
    package func appendScalarText(to bytes: inout [UInt8]) -> Bool {
        switch kind {
        case .string:
            if let string { bytes.append(contentsOf: string) }
        case .integer: bytes.append(contentsOf: String(Int64(bitPattern: tape[position + 1])).utf8)
        case .unsigned: bytes.append(contentsOf: String(tape[position + 1]).utf8)
        case .double: bytes.append(contentsOf: JSONText.shortest(Double(bitPattern: tape[position + 1])).utf8)
        case .boolean: bytes.append(contentsOf: bool == true ? "true".utf8 : "false".utf8)
        case .object, .array, .null: return false
        }
        return true
    }

    /// A scalar's text, as ``appendScalarText(to:)`` gives it; nil for containers and null.
    package var scalarText: String? {
        if let string { return string.text }
        var bytes: [UInt8] = []
        return appendScalarText(to: &bytes) ? String(decoding: bytes, as: UTF8.self) : nil
    }

    // MARK: Containers

    /// An object's members in document order; empty for other kinds.
    @inlinable
    package var members: JSONMembers { JSONMembers(of: self) }
    /// An array's elements in order; empty for other kinds.
    @inlinable
    package var elements: JSONElements { JSONElements(of: self) }

    /// The member of that name. Cost: linear in the members before it.
    @inlinable
    package subscript(key: UnsafeRawBufferPointer) -> JSONValue? {
        for member in members where member.key.hasSameBytes(as: key) { return member.value }
        return nil
    }

    package subscript(key: StaticString) -> JSONValue? {
        self[UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)]
    }

    package subscript(key: String) -> JSONValue? {
        var key = key
        return key.withUTF8 { self[UnsafeRawBufferPointer($0)] }
    }

    package subscript(index: Int) -> JSONValue? {
        var position = 0
        for element in elements {
            if position == index { return element }
            position += 1
        }
        return nil
    }

    @inlinable
    static func string(at offset: Int, in strings: UnsafePointer<UInt8>) -> UnsafeRawBufferPointer {
        let start = UnsafeRawPointer(strings + offset)
        return UnsafeRawBufferPointer(start: start + 4, count: Int(start.loadUnaligned(as: UInt32.self)))
    }
}

/// The members of an object.
package struct JSONMembers: Sequence, IteratorProtocol {
    @usableFromInline let tape: UnsafePointer<UInt64>
    @usableFromInline let strings: UnsafePointer<UInt8>
    @usableFromInline var position: Int
    @usableFromInline let end: Int

    @inlinable
    init(of value: JSONValue) {
        tape = value.tape
        strings = value.strings
        position = value.position + 1
        end = value.kind == .object ? value.end - 1 : position
    }

    @inlinable
    package mutating func next() -> (key: UnsafeRawBufferPointer, value: JSONValue)? {
        guard position < end else { return nil }
        let key = JSONValue.string(at: Int(tape[position] & 0x00FF_FFFF_FFFF_FFFF), in: strings)
        let value = JSONValue(tape: tape, strings: strings, position: position + 1)
        position = value.end
        return (key, value)
    }
}

/// The elements of an array.
package struct JSONElements: Sequence, IteratorProtocol {
    @usableFromInline let tape: UnsafePointer<UInt64>
    @usableFromInline let strings: UnsafePointer<UInt8>
    @usableFromInline var position: Int
    @usableFromInline let end: Int

    @inlinable
    init(of value: JSONValue) {
        tape = value.tape
        strings = value.strings
        position = value.position + 1
        end = value.kind == .array ? value.end - 1 : position
    }

    @inlinable
    package mutating func next() -> JSONValue? {
        guard position < end else { return nil }
        let value = JSONValue(tape: tape, strings: strings, position: position)
        position = value.end
        return value
    }
}
