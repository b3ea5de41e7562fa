import EventModel

/// A number in a rule or an event: exact for 64-bit integers, a double otherwise.
enum RuleNumber: Hashable, Sendable {
    case integer(Int64)
    case real(Double)

    /// Whole doubles become integers, so that `5` and `5.0` are one number.
    init(_ value: Double) {
        self = Int64(exactly: value).map(RuleNumber.integer) ?? .real(value)
    }

    /// Reads the numbers of YAML 1.2's core schema, but for decimals with leading zeros, which stay text. `.inf` and
    /// `.nan`, which no event can hold, stay text.
    init?(coreSchema text: String) {
        let bytes = Array(text.utf8)
        if bytes.starts(with: "0x".utf8), let value = Int64(text.dropFirst(2), radix: 16), bytes[2] != 0x2D,
            bytes[2] != 0x2B
        {
            self = .integer(value)
            return
        }
        if bytes.starts(with: "0o".utf8), let value = Int64(text.dropFirst(2), radix: 8), bytes[2] != 0x2D,
            bytes[2] != 0x2B
        {
            self = .integer(value)
            return
        }
        let unsigned = bytes.first == 0x2B || bytes.first == 0x2D ? bytes.dropFirst() : bytes[...]
        guard let first = unsigned.first, first &- 0x30 < 10 || first == UInt8(ascii: "."),
            unsigned.contains(where: { $0 &- 0x30 < 10 }),
            unsigned.allSatisfy({ $0 &- 0x30 < 10 || ".eE+-".utf8.contains($0) })
        else { return nil }
        // `00000429` is a code and `0644` a mode to the rule's author: with the zeros gone it would match nothing.
        guard first != UInt8(ascii: "0") || unsigned.count == 1 || (unsigned.dropFirst().first ?? 0) &- 0x30 >= 10
        else { return nil }
        if let integer = Int64(text) {
            self = .integer(integer)
            return
        }
        var digits = text
        // `5.` and `.5` are numbers to YAML and not to Swift.
        if unsigned.last == UInt8(ascii: ".") { digits += "0" }
        if first == UInt8(ascii: ".") {
            digits = (bytes.first == 0x2D ? "-0" : "0") + String(decoding: unsigned, as: UTF8.self)
        }
        guard let value = Double(digits), value.isFinite else { return nil }
        self.init(value)
    }

    /// Reads an event's text as JSON's number grammar has it.
    init?(eventText text: UnsafeRawBufferPointer) {
        guard !text.isEmpty, text.count <= 64, let first = text.first, first &- 0x30 < 10 || first == 0x2D,
            text.allSatisfy({ $0 &- 0x30 < 10 || ".eE+-".utf8.contains($0) })
        else { return nil }
        let string = String(decoding: text, as: UTF8.self)
        if let integer = Int64(string) {
            self = .integer(integer)
            return
        }
        guard let value = Double(string), value.isFinite else { return nil }
        self.init(value)
    }

    /// The shortest text that reads back as the same number, as an event's numbers are written too.
    var text: String {
        switch self {
        case .integer(let value): String(value)
        case .real(let value): JSONText.shortest(value)
        }
    }

    var double: Double {
        switch self {
        case .integer(let value): Double(value)
        case .real(let value): value
        }
    }

    static func < (left: RuleNumber, right: RuleNumber) -> Bool {
        if case .integer(let one) = left, case .integer(let other) = right { return one < other }
        return left.double < right.double
    }
}
