import Connectors
import EventModel
import Foundation

@testable import Detection

/// Sends deliveries through the real connectors and puts their events before an engine, with a clock of its own.
final class SourceStream {
    /// A match and how long after its event it was found.
    struct Found {
        let match: RuleMatch
        let delay: Duration
    }

    private let engine: DetectionEngine
    private let reader = DeliveryReader()
    private let parser = JSONParser()
    private var connectors: [String: Connector] = [:]
    private(set) var now: Timestamp
    private(set) var next: UInt64 = 0

    init(_ engine: DetectionEngine, at start: Timestamp) {
        self.engine = engine
        now = start
    }

    func pass(_ nanoseconds: Int64) { now = now.advanced(byNanoseconds: nanoseconds) }

    /// Delivers a body, received a second after what it tells of. Returns what was found, timers before it included.
    func deliver(
        _ body: String, connector name: String, source: String, headers: [String: String] = [:]
    ) throws -> [Found] {
        let connector = try connectors[name] ?? ConnectorCatalogue.builtIn.connector(named: name)
        connectors[name] = connector
        var fields = DeliveryHeaders()
        for (name, value) in headers { fields.add(name, value) }
        let received = now.advanced(byNanoseconds: 1_000_000_000)
        var matches: [RuleMatch] = []
        try Array(body.utf8).withUnsafeBytes { bytes in
            try reader.read(
                bytes, headers: fields, connector: connector,
                onEvent: { record, event in
                    record.set(.sourceName, source)
                    record.set(.received, time: received)
                    var sealed: [UInt8] = []
                    SealedForm.append(&record, payload: event.payload, to: &sealed)
                    try self.judge(sealed, event.payload, &matches)
                },
                onRefusal: { throw $0.error })
        }
        return matches.map { Found(match: $0, delay: .nanoseconds(received.nanoseconds - $0.time.nanoseconds)) }
    }

    private func judge(
        _ sealed: [UInt8], _ payload: UnsafeRawBufferPointer, _ matches: inout [RuleMatch]
    ) throws {
        try parser.withDocument(Array(payload)) { json in
            try sealed.withUnsafeBytes {
                engine.evaluate(try SealedView($0), payload: json, index: LeafIndex(next), into: &matches)
            }
        }
        next += 1
    }

    /// Fills in `{time}`, `{ms}` (as a number), `{delivery}`, `{digest}` and `{n}`.
    func fill(_ text: String, number: Int = 0) -> String {
        text.replacing("\"{ms}\"", with: String(now.milliseconds)).replacing("{time}", with: now.text)
            .replacing("{delivery}", with: "d-\(next)").replacing("{n}", with: String(number))
            .replacing("{digest}", with: String(repeating: String(next % 10), count: 56) + String(10_000_000 + next))
    }
}
