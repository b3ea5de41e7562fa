package import Connectors
import EventModel

/// An `ExportLogsServiceRequest` of OTLP (opentelemetry-proto, docs/specification.md), written down as events.
///
/// Each log record becomes one JSON object with its resource and scope (``LogRecordJSON``).
package struct LogExport: Sendable {
    /// The events, one after another.
    package private(set) var body: [UInt8] = []
    package private(set) var frames: [DeliveryFrame] = []
    private let limits: ProtocolLimits

    init(limits: ProtocolLimits) { self.limits = limits }

    /// Reads the binary encoding.
    ///
    /// - Throws: ``IntakeError`` `malformed` for what is no such message, `tooManyEvents`, `tooLarge`.
    package init(protobuf body: UnsafeRawBufferPointer, limits: ProtocolLimits) throws {
        self.init(limits: limits)
        var reader = LogExportProtobuf(limits: limits)
        do {
            try reader.read(body, into: &self)
        } catch let error as EventModelError {
            throw IntakeError(.malformed, error.reason)
        }
    }

    /// Reads the JSON encoding.
    ///
    /// - Throws: as ``init(protobuf:limits:)``; a malformed record is refused alone.
    package init(json body: UnsafeRawBufferPointer, limits: ProtocolLimits) throws {
        self.init(limits: limits)
        var reader = LogExportJSON(limits: limits)
        do {
            try reader.read(body, into: &self)
        } catch let error as EventModelError {
            throw IntakeError(.malformed, error.reason)
        }
    }

    mutating func add(_ record: [UInt8], part: String) throws {
        try limits.check(events: frames.count)
        try limits.check(bytes: body.count + record.count)
        frames.append(DeliveryFrame(range: body.count..<body.count + record.count, part: part))
        body.append(contentsOf: record)
    }

    mutating func refuse(_ bytes: UnsafeRawBufferPointer, part: String, reason: String) throws {
        try limits.check(events: frames.count)
        try limits.check(bytes: body.count + bytes.count)
        frames.append(DeliveryFrame(range: body.count..<body.count + bytes.count, part: part, refusal: reason))
        body.append(contentsOf: bytes)
    }
}

/// Where a record lies in its export.
struct LogRecordPlace {
    var resource = 0
    var scope = 0
    var record = 0

    var part: String { "/resourceLogs/\(resource)/scopeLogs/\(scope)/logRecords/\(record)" }
}
