import Connectors
import EventModel

/// The binary encoding of OTLP's logs. Numbers of fields: opentelemetry/proto/logs/v1/logs.proto, common.proto, resource.proto.
struct LogExportProtobuf {
    private let limits: ProtocolLimits
    private let parser: JSONParser
    private var place = LogRecordPlace()

    init(limits: ProtocolLimits) {
        self.limits = limits
        var json = JSONLimits()
        json.bytes = limits.eventBytes
        parser = JSONParser(limits: json)
    }

    mutating func read(_ body: UnsafeRawBufferPointer, into export: inout LogExport) throws {
        var reader = ProtobufReader(body)
        place = LogRecordPlace()
        while let (number, value) = try reader.next() {
            guard number == 1, case .bytes(let resourceLogs) = value else { continue }
            try read(resourceLogs: resourceLogs, into: &export)
            place.resource += 1
        }
    }

    private mutating func read(resourceLogs bytes: UnsafeRawBufferPointer, into export: inout LogExport) throws {
        var resource = LogRecordJSON()
        var scopes: [UnsafeRawBufferPointer] = []
        var reader = ProtobufReader(bytes)
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (1, .bytes(let message)):
                var attributes = ProtobufReader(message)
                var list: [UnsafeRawBufferPointer] = []
                while let (number, value) = try attributes.next() {
                    guard number == 1, case .bytes(let attribute) = value else { continue }
                    try LogRecordJSON.check(members: list.count)
                    list.append(attribute)
                }
                resource.member("attributes", json: try object(list, depth: 0))
            case (2, .bytes(let message)):
                try LogRecordJSON.check(members: scopes.count)
                scopes.append(message)
            case (3, .bytes(let text)): resource.member("schemaUrl", text: text)
            default: break
            }
        }
        resource.close()
        place.scope = 0
        for scope in scopes {
            try read(scopeLogs: scope, resource.bytes, into: &export)
            place.scope += 1
        }
    }

    private mutating func read(
        scopeLogs bytes: UnsafeRawBufferPointer, _ resource: [UInt8], into export: inout LogExport
    ) throws {
        var scope = LogRecordJSON()
        var records: [UnsafeRawBufferPointer] = []
        var reader = ProtobufReader(bytes)
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (1, .bytes(let message)): try read(scope: message, into: &scope)
            case (2, .bytes(let message)):
                try limits.check(events: export.frames.count + records.count)
                records.append(message)
            case (3, .bytes(let text)): scope.member("schemaUrl", text: text)
            default: break
            }
        }
        scope.close()
        place.record = 0
        for record in records {
            do {
                try export.add(try json(record, resource, scope.bytes), part: place.part)
            } catch let error as EventModelError {
                try export.refuse(record, part: place.part, reason: error.reason)
            }
            place.record += 1
        }
    }

    private func read(scope bytes: UnsafeRawBufferPointer, into scope: inout LogRecordJSON) throws {
        var reader = ProtobufReader(bytes)
        var attributes: [UnsafeRawBufferPointer] = []
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (1, .bytes(let text)): scope.member("name", text: text)
            case (2, .bytes(let text)): scope.member("version", text: text)
            case (3, .bytes(let attribute)):
                try LogRecordJSON.check(members: attributes.count)
                attributes.append(attribute)
            default: break
            }
        }
        scope.member("attributes", json: try object(attributes, depth: 0))
    }

    private func json(
        _ record: UnsafeRawBufferPointer, _ resource: [UInt8], _ scope: [UInt8]
    ) throws -> [UInt8] {
        var json = LogRecordJSON()
        var attributes: [UnsafeRawBufferPointer] = []
        var body: [UInt8] = []
        var reader = ProtobufReader(record)
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (1, .fixed64(let time)): json.member("timeUnixNano", number: time)
            case (2, .varint(let severity)): json.member("severityNumber", number: severity)
            case (3, .bytes(let text)): json.member("severityText", text: text)
            case (5, .bytes(let value)):
                body.removeAll()
                try append(value, to: &body, depth: 0, isBody: true)
            case (6, .bytes(let attribute)):
                try LogRecordJSON.check(members: attributes.count)
                attributes.append(attribute)
            case (7, .varint(let count)): json.member("droppedAttributesCount", number: count)
            case (8, .fixed32(let flags)): json.member("flags", number: UInt64(flags))
            case (9, .bytes(let id)): json.member("traceId", id: id)
            case (10, .bytes(let id)): json.member("spanId", id: id)
            case (11, .fixed64(let time)): json.member("observedTimeUnixNano", number: time)
            case (12, .bytes(let text)): json.member("eventName", text: text)
            default: break
            }
        }
        if !body.isEmpty {
            json.member("body")
            json.append(body)
        }
        json.member("attributes", json: try object(attributes, depth: 0))
        json.member("resource", json: resource)
        json.member("scope", json: scope)
        json.close()
        return json.bytes
    }

    /// An object of key-value messages.
    private func object(_ pairs: [UnsafeRawBufferPointer], depth: Int) throws -> [UInt8] {
        var output: [UInt8] = [UInt8(ascii: "{")]
        for pair in pairs {
            var key = UnsafeRawBufferPointer(start: nil, count: 0)
            var value: UnsafeRawBufferPointer?
            var reader = ProtobufReader(pair)
            while let (number, field) = try reader.next() {
                guard case .bytes(let bytes) = field else { continue }
                if number == 1 { key = bytes }
                if number == 2 { value = bytes }
            }
            if output.count > 1 { output.append(UInt8(ascii: ",")) }
            JSONText.appendString(key, to: &output)
            output.append(UInt8(ascii: ":"))
            if let value {
                try append(value, to: &output, depth: depth)
            } else {
                output.append(contentsOf: "null".utf8)
            }
        }
        output.append(UInt8(ascii: "}"))
        return output
    }

    /// Appends an `AnyValue`. Of several members of its `oneof` the last counts.
    private func append(
        _ message: UnsafeRawBufferPointer, to output: inout [UInt8], depth: Int, isBody: Bool = false
    ) throws {
        guard depth < LogRecordJSON.maximumDepth else { throw LogRecordJSON.tooDeep }
        var last: (number: UInt64, value: ProtobufReader.Value)?
        var reader = ProtobufReader(message)
        while let field = try reader.next() {
            if (1...7).contains(field.number) { last = field }
        }
        switch (last?.number, last?.value) {
        case (1, .bytes(let text)):
            if isBody {
                LogRecordJSON.appendBody(text, to: &output, parser)
            } else {
                JSONText.appendString(text, to: &output)
            }
        case (2, .varint(let flag)): output.append(contentsOf: (flag != 0 ? "true" : "false").utf8)
        case (3, .varint(let number)): output.append(contentsOf: String(Int64(bitPattern: number)).utf8)
        case (4, .fixed64(let bits)): LogRecordJSON.append(Double(bitPattern: bits), to: &output)
        case (5, .bytes(let list)):
            output.append(UInt8(ascii: "["))
            var isFirst = true
            for element in try Self.repeated(list) {
                if !isFirst { output.append(UInt8(ascii: ",")) }
                isFirst = false
                try append(element, to: &output, depth: depth + 1)
            }
            output.append(UInt8(ascii: "]"))
        case (6, .bytes(let list)): output.append(contentsOf: try object(try Self.repeated(list), depth: depth + 1))
        case (7, .bytes(let bytes)): JSONText.appendString(PaddedBase64.encode(bytes), to: &output)
        default: output.append(contentsOf: "null".utf8)
        }
    }

    /// The messages of a list whose only field is number 1.
    private static func repeated(_ message: UnsafeRawBufferPointer) throws -> [UnsafeRawBufferPointer] {
        var elements: [UnsafeRawBufferPointer] = []
        var reader = ProtobufReader(message)
        while let (number, value) = try reader.next() {
            guard number == 1, case .bytes(let element) = value else { continue }
            try LogRecordJSON.check(members: elements.count)
            elements.append(element)
        }
        return elements
    }
}
