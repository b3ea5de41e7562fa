package import EventModel
import QueryLanguage

/// One cell of a table.
package enum QueryValue: Hashable, Sendable {
    /// There is no value. Sorts last, whatever the direction.
    case absent
    case text(String)
    case integer(Int64)
    case decimal(Double)
    case boolean(Bool)
    case time(Timestamp)
    /// A container of the payload, as compact JSON.
    case json(String)
    /// The members of a list field, or of an array of the payload.
    case list([QueryValue])
}

extension QueryValue {
    init(_ number: QueryNumber) {
        switch number {
        case .integer(let value): self = .integer(value)
        case .decimal(let value): self = .decimal(value)
        }
    }

    /// A computed number; whole ones become integers, so that `5` and `5.0` are one value.
    init(_ number: Double) {
        if let whole = Int64(exactly: number) { self = .integer(whole) } else { self = .decimal(number) }
    }

    /// The value of a field from its sealed bytes: a number where the field's values are numbers and these bytes are one.
    init(_ bytes: UnsafeRawBufferPointer, _ type: ValueType) {
        switch type {
        case .number:
            if let number = QueryNumber(parsing: bytes) { self = QueryValue(number) } else { self = .text(bytes.text) }
        default: self = .text(bytes.text)
        }
    }

    /// What the value takes of memory, roughly.
    var heldBytes: Int {
        // Short texts lie inside of the value itself.
        switch self {
        case .text(let text), .json(let text): Self.ownBytes + (text.utf8.count > 15 ? text.utf8.count + 32 : 0)
        case .list(let members): members.reduce(Self.ownBytes + 32) { $0 + $1.heldBytes }
        case .absent, .integer, .decimal, .boolean, .time: Self.ownBytes
        }
    }

    static let ownBytes = MemoryLayout<QueryValue>.stride

    /// The one value that grouping and sorting see: of a list its first.
    var single: QueryValue {
        guard case .list(let members) = self else { return self }
        return members.first ?? .absent
    }

    /// As text, which is what filters compare; nil when absent. Lists have none: see ``single``.
    package var text: String? {
        switch self {
        case .absent, .list: nil
        case .text(let text), .json(let text): text
        case .integer(let value): String(value)
        case .decimal(let value): JSONText.shortest(value)
        case .boolean(let value): value ? "true" : "false"
        case .time(let time): time.text
        }
    }

    /// As a number: itself, or text that is one.
    var number: QueryNumber? {
        switch self {
        case .integer(let value): .integer(value)
        case .decimal(let value): value.isFinite ? .decimal(value) : nil
        case .text(let text): QueryNumber(parsing: text)
        default: nil
        }
    }

    /// Appends the value as JSON: absent values are `null`, times RFC 3339 strings.
    package func appendJSON(to output: inout [UInt8]) {
        switch self {
        case .absent: output.append(contentsOf: "null".utf8)
        case .text(let text): JSONText.appendString(text, to: &output)
        case .integer(let value): output.append(contentsOf: String(value).utf8)
        case .decimal(let value):
            output.append(contentsOf: (value.isFinite ? JSONText.shortest(value) : "null").utf8)
        case .boolean(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
        case .time(let time):
            output.append(UInt8(ascii: "\""))
            time.appendText(to: &output)
            output.append(UInt8(ascii: "\""))
        case .json(let text): output.append(contentsOf: text.utf8)
        case .list(let members):
            output.append(UInt8(ascii: "["))
            for (position, member) in members.enumerated() {
                if position > 0 { output.append(UInt8(ascii: ",")) }
                member.appendJSON(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        }
    }
}

// MARK: - Order

extension QueryValue {
    /// How two present values compare: -1, 0 or 1. Numbers by value come before times, and times before everything else,
    /// which compares as text, bytewise. Text stays text, even when it could be read as a number.
    static func order(_ left: QueryValue, _ right: QueryValue) -> Int {
        let (one, other) = (left.sortKey, right.sortKey)
        switch (one, other) {
        case (.number(let a), .number(let b)): return a < b ? -1 : b < a ? 1 : 0
        case (.time(let a), .time(let b)): return a < b ? -1 : b < a ? 1 : 0
        case (.text(let a), .text(let b)): return a.utf8.bytewiseOrder(to: b.utf8)
        default: return one.rank < other.rank ? -1 : 1
        }
    }

    /// The order of rows sorted by this value: absent values last, whatever the direction.
    static func sortOrder(_ left: QueryValue, _ right: QueryValue, isDescending: Bool) -> Int {
        let (one, other) = (left.single, right.single)
        switch (one, other) {
        case (.absent, .absent): return 0
        case (.absent, _): return 1
        case (_, .absent): return -1
        default: return isDescending ? order(other, one) : order(one, other)
        }
    }

    private enum SortKey {
        case number(QueryNumber)
        case time(Timestamp)
        case text(String)

        var rank: Int {
            switch self {
            case .number: 0
            case .time: 1
            case .text: 2
            }
        }
    }

    private var sortKey: SortKey {
        switch self {
        case .time(let time): .time(time)
        case .integer(let value): .number(.integer(value))
        case .decimal(let value): .number(.decimal(value))
        default: .text(text ?? "")
        }
    }
}

extension String.UTF8View {
    /// -1, 0 or 1: how these bytes compare with others, bytewise.
    func bytewiseOrder(to other: String.UTF8View) -> Int {
        let fast = withContiguousStorageIfAvailable { left in
            other.withContiguousStorageIfAvailable { right -> Int in
                let (one, two) = (UnsafeRawBufferPointer(left), UnsafeRawBufferPointer(right))
                return one.precedes(two) ? -1 : one.hasSameBytes(as: two) ? 0 : 1
            }
        }
        if let order = fast ?? nil { return order }
        if lexicographicallyPrecedes(other) { return -1 }
        return elementsEqual(other) ? 0 : 1
    }
}
