package import Connectors
import EventModel
import Foundation

/// A delivery of Amazon Data Firehose to an HTTP endpoint ("Understand HTTP endpoint delivery request and response
/// specifications"): records in base64, with an id that repeated attempts share.
///
/// A record that is a batch of CloudWatch Logs ("Using CloudWatch Logs subscription filters"; gzip, unless Firehose was told to unpack
/// it) gives its log events, so that an EKS cluster's audit log becomes what the API server wrote. Any other record gives the
/// JSON document or the lines that it holds.
package struct FirehoseRecords {
    package let requestID: String
    /// The events, unpacked, one after another; frames say where.
    package private(set) var body: [UInt8] = []
    package private(set) var frames: [DeliveryFrame] = []

    private let limits: ProtocolLimits
    private let parser: JSONParser

    /// - Parameter unpack: Undoes gzip, within bounds.
    /// - Throws: ``IntakeError`` `malformed` when the body is none of Firehose's, `tooManyEvents`, `tooLarge`; what `unpack` throws for
    ///   too much. A record that cannot be read is refused alone.
    package init(
        _ delivery: UnsafeRawBufferPointer, limits: ProtocolLimits, unpack: ([UInt8]) throws -> [UInt8]
    ) throws {
        var json = JSONLimits()
        json.bytes = limits.bytes
        self.limits = limits
        parser = JSONParser(limits: json)
        guard let id = Self.text("requestId", of: delivery), !id.isEmpty else {
            throw IntakeError(.malformed, "the body is a JSON object with requestId and records")
        }
        requestID = id
        guard let offset = JSONSplitter(delivery).offset(ofMember: Self.key("records")),
            let records = JSONSplitter(delivery).elements(ofArrayAt: offset)
        else { throw IntakeError(.malformed, "records is an array") }
        for (number, range) in records.enumerated() {
            let part = "/records/\(number)"
            guard let encoded = Self.text("data", of: delivery.slice(range)),
                let data = Data(base64Encoded: encoded)
            else {
                try refuse(Array(delivery.slice(range)), part, "a record has its data in base64")
                continue
            }
            var record = Array(data)
            if record.starts(with: [0x1F, 0x8B]) { record = try unpack(record) }
            try add(record, part)
        }
    }

    private mutating func add(_ record: [UInt8], _ part: String) throws {
        let isObject =
            record.first { $0 > 0x20 } == UInt8(ascii: "{") && record.last { $0 > 0x20 } == UInt8(ascii: "}")
        if isObject, try addLogEvents(of: record, part) { return }
        var number = 0
        for line in record.split(separator: 0x0A) where line.contains(where: { $0 > 0x20 }) {
            let place = "\(part)/\(number)"
            try append(line, DeliveryFrame(range: 0..<0, part: place, identifier: requestID + place))
            number += 1
        }
    }

    /// Takes a batch of CloudWatch Logs apart.
    ///
    /// - Returns: Whether the record is one. Its control messages, by which CloudWatch asks whether somebody is there, are no events.
    private mutating func addLogEvents(of record: [UInt8], _ part: String) throws -> Bool {
        var type: String?
        var instance: String?
        var events: [(id: String?, time: Timestamp?, message: [UInt8])] = []
        do {
            try parser.withDocument(record) { value in
                guard value["logEvents"]?.kind == .array || value["messageType"]?.string?.text == "CONTROL_MESSAGE"
                else {
                    return
                }
                type = value["messageType"]?.string?.text
                instance = value["logGroup"]?.string.map { Self.instance(ofLogGroup: $0.text) }
                guard type == "DATA_MESSAGE" else { return }
                guard let list = value["logEvents"]?.elements else { return }
                for event in list {
                    events.append(
                        (
                            event["id"]?.string?.text,
                            event["timestamp"]?.scalarText.flatMap { Int64($0) }.map(Timestamp.init(milliseconds:)),
                            Array((event["message"]?.string?.text ?? "").utf8)
                        ))
                }
            }
        } catch is EventModelError {
            // Lines of JSON begin and end as an object does.
            return false
        }
        guard let type else { return false }
        guard type == "DATA_MESSAGE" else { return true }
        for (number, event) in events.enumerated() where event.message.contains(where: { $0 > 0x20 }) {
            let place = "\(part)/logEvents/\(number)"
            try append(
                event.message[...],
                DeliveryFrame(
                    range: 0..<0, part: place, identifier: event.id ?? requestID + place, time: event.time,
                    instance: instance))
        }
        return true
    }

    /// The cluster of `/aws/eks/NAME/cluster`; any other log group by its own name.
    static func instance(ofLogGroup name: String) -> String {
        let parts = name.split(separator: "/")
        return parts.count == 4 && parts[0] == "aws" && parts[1] == "eks" && parts[3] == "cluster"
            ? String(parts[2]) : name
    }

    private mutating func refuse(_ bytes: [UInt8], _ part: String, _ reason: String) throws {
        try append(bytes[...], DeliveryFrame(range: 0..<0, part: part, refusal: reason))
    }

    /// - Parameter frame: But for its range.
    private mutating func append(_ bytes: ArraySlice<UInt8>, _ frame: DeliveryFrame) throws {
        try limits.check(events: frames.count)
        let start = body.count
        try limits.check(bytes: start + bytes.count + 1)
        body.append(contentsOf: bytes)
        var frame = frame
        frame.range = start..<body.count
        frames.append(frame)
        body.append(0x0A)
    }

    private static func key(_ name: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
    }

    /// A string without escapes: an id, or base64, in which `/` may be escaped.
    private static func text(_ name: StaticString, of object: UnsafeRawBufferPointer) -> String? {
        let splitter = JSONSplitter(object)
        guard object.first(where: { $0 > 0x20 }) == UInt8(ascii: "{"),
            let offset = splitter.offset(ofMember: key(name))
        else { return nil }
        let value = object.slice(splitter.value(at: offset))
        guard value.count >= 2, value.first == UInt8(ascii: "\""), value.last == UInt8(ascii: "\"") else { return nil }
        let text = String(validating: value.dropFirst().dropLast(), as: UTF8.self)
        return text?.replacing("\\/", with: "/")
    }
}
