package import Connectors
import EventModel
import Synchronization

/// What intake has to know of the source that a delivery came from.
package struct DeliverySource: Sendable {
    package var origin: EventOrigin
    /// Nil recognises each event by its shape (`auto`).
    package var connector: Connector?
    /// The source's key for fingerprints of redacted secrets.
    package var fingerprintKey: [UInt8]
    /// Who sends it, where a workload's token says so.
    package var workload: DeliveringWorkload?
    /// The connectors whose events it may hold; empty for any.
    package var kinds: Set<String> = []

    package init(origin: EventOrigin, connector: Connector?, fingerprintKey: [UInt8]) {
        self.origin = origin
        self.connector = connector
        self.fingerprintKey = fingerprintKey
    }
}

/// Turns a delivery into a batch that can be committed: splits, normalises, redacts, seals, compresses.
///
/// Runs in the request's own task and blocks on nothing. It owns a parser and buffers: use it for one delivery at a time,
/// and again for the next.
package final class DeliveryPreparer {
    /// How the warning begins that tells of a delivery id which was used before.
    static let reuseWarning = "delivery id was used before"

    private let reader: DeliveryReader
    private let catalogue: ConnectorCatalogue
    private let enrichment: Enrichment
    /// Made for the first event that holds a secret; most deliveries have none.
    private lazy var renormaliser = DeliveryReader(catalogue: catalogue, limits: jsonLimits)
    private let jsonLimits: JSONLimits
    private let redactor = Redactor()
    private let keyer: DeliveryKeyer
    private let limits: IntakeLimits
    private let memory: BatchMemory?
    private let counters: IntakeCounters
    private let earlierUse: @Sendable (DeliveryKey, UInt64) -> DeduplicationTable.Match

    /// - Parameters:
    ///   - enrichment: What is known beside what payloads say.
    ///   - memory: Where room for many events comes from.
    ///   - earlierUse: Looks a delivery id up, for the warning that is sealed with an event whose id was used before for
    ///     other bytes.
    package init(
        catalogue: ConnectorCatalogue, enrichment: Enrichment = .none, keyer: DeliveryKeyer, limits: IntakeLimits,
        memory: BatchMemory? = nil, counters: IntakeCounters,
        earlierUse: @escaping @Sendable (DeliveryKey, UInt64) -> DeduplicationTable.Match
    ) {
        var json = JSONLimits()
        json.bytes = limits.eventBytes
        reader = DeliveryReader(catalogue: catalogue, limits: json)
        self.catalogue = catalogue
        self.enrichment = enrichment
        jsonLimits = json
        self.keyer = keyer
        self.limits = limits
        self.memory = memory
        self.counters = counters
        self.earlierUse = earlierUse
    }

    /// Prepares one delivery.
    ///
    /// - Parameter deliveryID: The sender's idempotency key, for events that have no id of their own.
    /// - Throws: ``IntakeError`` `tooManyEvents`; entries that cannot be read are refused one by one, not thrown.
    package func prepare(
        _ delivery: Delivery, from source: DeliverySource, deliveryID: String? = nil
    ) throws -> PreparedBatch {
        var builder = BatchBuilder(
            origin: source.origin, received: delivery.received, keyer: keyer,
            expectedBytes: delivery.body.count + delivery.body.count / 2, memory: memory)
        try delivery.body.withUnsafeBytes { body in
            try reader.read(
                body, headers: delivery.headers, connector: source.connector, frames: delivery.frames,
                received: delivery.received,
                onEvent: { record, event in
                    guard builder.count < limits.eventsPerDelivery else {
                        throw IntakeError(
                            .tooManyEvents, "a delivery has at most \(limits.eventsPerDelivery) events")
                    }
                    try add(&record, event, delivery, source, deliveryID, to: &builder)
                },
                onRefusal: { refusal in
                    builder.reject(
                        RejectedEntry(
                            position: refusal.position, reason: refusal.error.reason,
                            bytes: forQuarantine(refusal.bytes, source)))
                })
        }
        return try builder.finish()
    }

    private func add(
        _ record: inout EventRecord, _ event: DeliveryReader.Event, _ delivery: Delivery, _ source: DeliverySource,
        _ deliveryID: String?, to builder: inout BatchBuilder
    ) throws {
        guard source.kinds.isEmpty || source.kinds.contains(event.connector.name) else {
            return builder.reject(
                RejectedEntry(
                    position: event.position,
                    reason: "the sender may not send events of the kind \(event.connector.name)",
                    bytes: forQuarantine(event.payload, source)))
        }
        let redaction: Redaction
        switch redactor.redact(event.payload, fingerprintKey: source.fingerprintKey) {
        case .unchanged: return seal(&record, event, event.payload, delivery, source, deliveryID, to: &builder)
        case .tooManySecrets:
            // What is a dump of secrets is not kept in the quarantine either.
            return builder.reject(
                RejectedEntry(
                    position: event.position, reason: "more than \(Redactor.maximumReplacements) secrets", bytes: []))
        case .redacted(let made): redaction = made
        }
        counters.redactions.add(redaction.counts.values.reduce(0, +), ordering: .relaxed)
        try redaction.bytes.withUnsafeBytes { payload in
            // The fields were read from the payload as it came and may hold what was just taken out of it.
            if event.isText, !event.connector.readsLines {
                return seal(&record, event, payload, delivery, source, deliveryID, to: &builder)
            }
            try renormaliser.read(
                payload, headers: delivery.headers, connector: event.connector,
                frames: event.frame.map { [$0.covering(payload.count)] }, received: delivery.received,
                onEvent: { record, _ in seal(&record, event, payload, delivery, source, deliveryID, to: &builder) },
                onRefusal: { refusal in
                    builder.reject(
                        RejectedEntry(
                            position: event.position, reason: "unreadable after redaction: \(refusal.error.reason)",
                            bytes: Array(payload)))
                })
        }
    }

    /// What the transport says counts where the payload says nothing.
    private static func complete(_ record: inout EventRecord, with frame: DeliveryFrame, part: String?) {
        if let identifier = frame.identifier, !record.contains(.sourceDelivery) {
            // The events of a batch inside the frame are told apart by their place in it.
            let place = part?.dropFirst(frame.part?.count ?? 0) ?? ""
            record.set(.sourceDelivery, identifier + place)
        }
        if let time = frame.time, !record.contains(.time) {
            record.set(.time, time: time)
            record.set(.timeBasis, "header" as StaticString)
        }
        if let instance = frame.instance, !record.contains(.sourceInstance) {
            record.set(.sourceInstance, instance)
        }
        if let warning = frame.warning { record.warn(warning) }
    }

    /// What the quarantine may keep of a refused entry: no more secrets than an event would.
    private func forQuarantine(_ bytes: UnsafeRawBufferPointer, _ source: DeliverySource) -> [UInt8] {
        switch redactor.redact(bytes, fingerprintKey: source.fingerprintKey) {
        case .unchanged: Array(bytes)
        case .redacted(let redaction): redaction.bytes
        case .tooManySecrets: []
        }
    }

    private func seal(
        _ record: inout EventRecord, _ event: DeliveryReader.Event, _ payload: UnsafeRawBufferPointer,
        _ delivery: Delivery, _ source: DeliverySource, _ deliveryID: String?, to builder: inout BatchBuilder
    ) {
        source.workload?.mark(&record)
        if !enrichment.isEmpty { enrichment.enrich(&record, source: source.origin.name) }
        if let frame = event.frame { Self.complete(&record, with: frame, part: event.part) }
        if let carried = delivery.carried, !record.contains(.time) {
            record.set(.time, time: carried)
            record.set(.timeBasis, "header" as StaticString)
        }
        if let deliveryID, !record.contains(.sourceDelivery) {
            record.set(.sourceDelivery, event.part.map { deliveryID + $0 } ?? deliveryID)
        } else if let part = event.part, let id = record.text(.sourceDelivery),
            record.withValue(.sourceDelivery, delivery.headers.hasValue) == true
        {
            // A header names the whole delivery; its events are told apart by their place in it.
            record.set(.sourceDelivery, id + part)
        }
        builder.add(
            &record, payload: payload, payloadType: event.isText ? "text/plain" : "application/json",
            position: event.position, part: event.part, keyedByContent: event.deduplication.isContent,
            isDocument: !event.isText
        ) { key, digest in
            guard case .conflict(let earlier) = earlierUse(key, digest) else { return nil }
            return "\(Self.reuseWarning) for other bytes, by event \(earlier)"
        }
    }
}

extension DeduplicationBasis {
    fileprivate var isContent: Bool {
        if case .content = self { true } else { false }
    }
}
