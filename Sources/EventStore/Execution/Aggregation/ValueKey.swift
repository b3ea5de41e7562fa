import EventModel
import QueryLanguage

/// The bytes that stand for a value while groups of different segments are brought together: a tag and the value. Equal
/// bytes are equal values and the other way round, so groups are exact and heed case.
enum ValueKey {
    private static let absent: UInt8 = 0
    static let text: UInt8 = 1
    static let number: UInt8 = 2
    private static let boolean: UInt8 = 3
    private static let time: UInt8 = 4
    static let json: UInt8 = 5
    private static let integer: UInt8 = 6

    static let absentKey: [UInt8] = [absent]

    /// Appends the key of a field's value.
    static func append(_ value: UnsafeRawBufferPointer, _ type: ValueType, to bytes: inout [UInt8]) {
        bytes.append(type == .number ? number : text)
        bytes.append(contentsOf: value)
    }

    static func append(_ moment: Int64, isTime: Bool, to bytes: inout [UInt8]) {
        bytes.append(isTime ? time : integer)
        withUnsafeBytes(of: moment.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Appends the key of a value of the payload.
    static func append(_ value: JSONValue, to bytes: inout [UInt8]) {
        switch value.kind {
        case .object, .array:
            bytes.append(json)
            JSONText.append(value, to: &bytes)
        case .string:
            bytes.append(text)
            value.appendScalarText(to: &bytes)
        case .boolean:
            bytes.append(boolean)
            value.appendScalarText(to: &bytes)
        case .null: bytes.append(absent)
        case .integer, .unsigned, .double:
            bytes.append(number)
            value.appendScalarText(to: &bytes)
        }
    }

    /// Appends the key of a table's cell.
    static func append(_ value: QueryValue, to bytes: inout [UInt8]) {
        switch value.single {
        case .absent, .list: bytes.append(absent)
        case .text(let value):
            bytes.append(text)
            bytes.append(contentsOf: value.utf8)
        case .json(let value):
            bytes.append(json)
            bytes.append(contentsOf: value.utf8)
        case .boolean(let value):
            bytes.append(boolean)
            bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .time(let moment): append(moment.rawValue, isTime: true, to: &bytes)
        case .integer(let value):
            bytes.append(number)
            bytes.append(contentsOf: String(value).utf8)
        case .decimal(let value):
            bytes.append(number)
            bytes.append(contentsOf: JSONText.shortest(value).utf8)
        }
    }

    /// The value that a key stands for.
    static func value(_ key: UnsafeRawBufferPointer) -> QueryValue {
        guard let tag = key.first else { return .absent }
        let rest = key.slice(1..<key.count)
        switch tag {
        case text: return .text(rest.text)
        case number: return QueryValue(rest, .number)
        case boolean: return .boolean(rest.count == 4)
        case time: return Timestamp(sealed: rest).map(QueryValue.time) ?? .absent
        case integer: return Timestamp(sealed: rest).map { .integer($0.rawValue) } ?? .absent
        case json: return .json(rest.text)
        default: return .absent
        }
    }
}
