import Connectors
import EventModel

/// The JSON encoding of OTLP's logs: proto3's JSON mapping, with ids in hexadecimal (docs/specification.md, "JSON Protobuf
/// Encoding"). Unknown members are ignored.
struct LogExportJSON {
    private let parser: JSONParser
    private let inner: JSONParser
    private var place = LogRecordPlace()

    init(limits: ProtocolLimits) {
        var json = JSONLimits()
        json.bytes = limits.eventBytes
        inner = JSONParser(limits: json)
        // A value inside a value is three levels of this encoding.
        json.depth = LogRecordJSON.maximumDepth * 3 + 8
        parser = JSONParser(limits: json)
    }

    mutating func read(_ body: UnsafeRawBufferPointer, into export: inout LogExport) throws {
        place = LogRecordPlace()
        guard body.first(where: { $0 > 0x20 }) == UInt8(ascii: "{"),
            body.last(where: { $0 > 0x20 }) == UInt8(ascii: "}")
        else { throw Self.malformed("the body is a JSON object") }
        for resourceLogs in try Self.list("resourceLogs", of: body) {
            var resource = LogRecordJSON()
            try members(of: resourceLogs, "resource") { value in
                if let attributes = value["attributes"] {
                    resource.member("attributes", json: try object(attributes, 0))
                }
            }
            append("schemaUrl", of: resourceLogs, to: &resource)
            resource.close()
            place.scope = 0
            for scopeLogs in try Self.list("scopeLogs", of: resourceLogs) {
                var scope = LogRecordJSON()
                try members(of: scopeLogs, "scope") { value in
                    if let name = value["name"]?.string { scope.member("name", text: name) }
                    if let version = value["version"]?.string { scope.member("version", text: version) }
                    if let attributes = value["attributes"] {
                        scope.member("attributes", json: try object(attributes, 0))
                    }
                }
                append("schemaUrl", of: scopeLogs, to: &scope)
                scope.close()
                place.record = 0
                for record in try Self.list("logRecords", of: scopeLogs) {
                    do {
                        try export.add(try json(record, resource.bytes, scope.bytes), part: place.part)
                    } catch let error as EventModelError {
                        try export.refuse(record, part: place.part, reason: error.reason)
                    } catch let error as IntakeError where error.code == .malformed {
                        try export.refuse(record, part: place.part, reason: error.reason)
                    }
                    place.record += 1
                }
                place.scope += 1
            }
            place.resource += 1
        }
    }

    private static func malformed(_ reason: String) -> IntakeError { IntakeError(.malformed, reason) }

    /// The elements of a list member; none when it is absent.
    private static func list(
        _ name: StaticString, of object: UnsafeRawBufferPointer
    ) throws -> [UnsafeRawBufferPointer] {
        let key = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        let splitter = JSONSplitter(object)
        guard let offset = splitter.offset(ofMember: key) else { return [] }
        guard let elements = splitter.elements(ofArrayAt: offset) else { throw malformed("\(name) is an array") }
        return elements.map { object.slice($0) }
    }

    private func members(
        of object: UnsafeRawBufferPointer, _ name: StaticString, _ body: (JSONValue) throws -> Void
    ) throws {
        let key = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        let splitter = JSONSplitter(object)
        guard let offset = splitter.offset(ofMember: key) else { return }
        try parser.withDocument(object.slice(splitter.value(at: offset)), body)
    }

    private func append(_ name: StaticString, of object: UnsafeRawBufferPointer, to json: inout LogRecordJSON) {
        try? members(of: object, name) { if let text = $0.string { json.member(name, text: text) } }
    }

    private func json(
        _ record: UnsafeRawBufferPointer, _ resource: [UInt8], _ scope: [UInt8]
    ) throws -> [UInt8] {
        try parser.withDocument(record) { value in
            guard value.kind == .object else { throw Self.malformed("a log record is a JSON object") }
            var json = LogRecordJSON()
            json.member("timeUnixNano", number: Self.number(value["timeUnixNano"]))
            json.member("severityNumber", number: Self.number(value["severityNumber"]))
            if let text = value["severityText"]?.string { json.member("severityText", text: text) }
            json.member("droppedAttributesCount", number: Self.number(value["droppedAttributesCount"]))
            json.member("flags", number: Self.number(value["flags"]))
            try id("traceId", of: value, to: &json)
            try id("spanId", of: value, to: &json)
            json.member("observedTimeUnixNano", number: Self.number(value["observedTimeUnixNano"]))
            if let text = value["eventName"]?.string { json.member("eventName", text: text) }
            if let body = value["body"], !body.isNull {
                var written: [UInt8] = []
                try append(body, to: &written, depth: 0, isBody: true)
                json.member("body")
                json.append(written)
            }
            if let attributes = value["attributes"] { json.member("attributes", json: try object(attributes, 0)) }
            json.member("resource", json: resource)
            json.member("scope", json: scope)
            json.close()
            return json.bytes
        }
    }

    /// A 64-bit number, which may be a text.
    private static func number(_ value: JSONValue?) -> UInt64 {
        value?.scalarText.flatMap { UInt64($0) } ?? 0
    }

    private func id(_ name: StaticString, of record: JSONValue, to json: inout LogRecordJSON) throws {
        guard let text = record[name]?.string, !text.isEmpty else { return }
        var bytes: [UInt8] = []
        guard Hex.decode(text.text.lowercased(), into: &bytes) else { throw Self.malformed("\(name) is hexadecimal") }
        bytes.withUnsafeBytes { json.member(name, id: $0) }
    }

    private func object(_ pairs: JSONValue, _ depth: Int) throws -> [UInt8] {
        var output: [UInt8] = [UInt8(ascii: "{")]
        for pair in pairs.elements {
            guard let key = pair["key"]?.string else { throw Self.malformed("an attribute has a key") }
            if output.count > 1 { output.append(UInt8(ascii: ",")) }
            JSONText.appendString(key, to: &output)
            output.append(UInt8(ascii: ":"))
            if let value = pair["value"] {
                try append(value, to: &output, depth: depth)
            } else {
                output.append(contentsOf: "null".utf8)
            }
        }
        output.append(UInt8(ascii: "}"))
        return output
    }

    private func append(_ value: JSONValue, to output: inout [UInt8], depth: Int, isBody: Bool = false) throws {
        guard depth < LogRecordJSON.maximumDepth else { throw LogRecordJSON.tooDeep }
        if let text = value["stringValue"]?.string {
            if isBody {
                LogRecordJSON.appendBody(text, to: &output, inner)
            } else {
                JSONText.appendString(text, to: &output)
            }
        } else if let flag = value["boolValue"]?.bool {
            output.append(contentsOf: (flag ? "true" : "false").utf8)
        } else if let number = value["intValue"]?.scalarText {
            guard let integer = Int64(number) else { throw Self.malformed("intValue is a 64-bit number") }
            output.append(contentsOf: String(integer).utf8)
        } else if let number = value["doubleValue"] {
            guard let double = number.double ?? number.scalarText.flatMap(Double.init) else {
                throw Self.malformed("doubleValue is a number")
            }
            LogRecordJSON.append(double, to: &output)
        } else if let list = value["arrayValue"] {
            output.append(UInt8(ascii: "["))
            var isFirst = true
            if let values = list["values"] {
                for element in values.elements {
                    if !isFirst { output.append(UInt8(ascii: ",")) }
                    isFirst = false
                    try append(element, to: &output, depth: depth + 1)
                }
            }
            output.append(UInt8(ascii: "]"))
        } else if let list = value["kvlistValue"] {
            output.append(contentsOf: try list["values"].map { try object($0, depth + 1) } ?? Array("{}".utf8))
        } else if let bytes = value["bytesValue"]?.string {
            JSONText.appendString(bytes, to: &output)
        } else {
            output.append(contentsOf: "null".utf8)
        }
    }
}
