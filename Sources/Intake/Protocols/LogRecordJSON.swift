import EventModel

/// Writes down an OpenTelemetry log record as the JSON object that is sealed: attributes as plain members, values as what they
/// stand for. Shared by the two encodings of OTLP, so that one record becomes the same bytes in either.
struct LogRecordJSON {
    /// Nested lists and maps of one value; each costs a level of the call stack, and of the event's JSON.
    static let maximumDepth = 32
    /// Members of one list or map: as many as an event may have keys.
    static let maximumMembers = 16_384

    private(set) var bytes: [UInt8] = []
    private var isEmpty = true

    init() { bytes.append(UInt8(ascii: "{")) }

    mutating func close() { bytes.append(UInt8(ascii: "}")) }

    mutating func member(_ name: StaticString) {
        if !isEmpty { bytes.append(UInt8(ascii: ",")) }
        isEmpty = false
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(contentsOf: "\":".utf8)
    }

    mutating func member(_ name: StaticString, number: UInt64) {
        guard number != 0 else { return }
        member(name)
        bytes.append(contentsOf: String(number).utf8)
    }

    mutating func member(_ name: StaticString, text: UnsafeRawBufferPointer) {
        guard !text.isEmpty else { return }
        member(name)
        JSONText.appendString(text, to: &bytes)
    }

    /// The value of the member that was begun, as JSON.
    mutating func append(_ json: [UInt8]) { bytes.append(contentsOf: json) }

    /// A member whose value is written already; nothing for an empty object.
    mutating func member(_ name: StaticString, json: [UInt8]) {
        guard json.count > 2 else { return }
        member(name)
        bytes.append(contentsOf: json)
    }

    /// A trace or span id; all zeroes mean none (opentelemetry/proto/logs/v1/logs.proto).
    mutating func member(_ name: StaticString, id: UnsafeRawBufferPointer) {
        guard id.contains(where: { $0 != 0 }) else { return }
        member(name)
        bytes.append(UInt8(ascii: "\""))
        Hex.append(id, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// A number as JSON; JSON has no word for infinities and what is no number, so these become texts.
    static func append(_ value: Double, to output: inout [UInt8]) {
        if value.isFinite {
            output.append(contentsOf: JSONText.shortest(value).utf8)
        } else {
            JSONText.appendString(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity", to: &output)
        }
    }

    /// Nested deeper than ``maximumDepth``; refuses one record, not the export.
    static var tooDeep: EventModelError { EventModelError(.tooDeep, "nested deeper than \(maximumDepth) levels") }

    /// - Throws: `EventModelError` when a list has no room for one more; refuses one record, not the export.
    static func check(members count: Int) throws {
        guard count < maximumMembers else {
            throw EventModelError(.tooManyKeys, "a list has more than \(maximumMembers) members")
        }
    }

    /// A body that is the text of one JSON object is put in as that object, so that rules and queries find its members.
    static func appendBody(_ text: UnsafeRawBufferPointer, to output: inout [UInt8], _ parser: JSONParser) {
        if text.first == UInt8(ascii: "{"), (try? parser.withDocument(text) { $0.kind == .object }) == true {
            output.append(contentsOf: text)
        } else {
            JSONText.appendString(text, to: &output)
        }
    }
}
