internal import Digests
package import EventModel
import Journal

/// What intake knows of a delivery's source: its part of every event that comes from there.
package struct EventOrigin: Sendable {
    /// The configured name: `source.name`.
    package var name: String
    /// The host that the source stands for, where one is configured: `source.instance`.
    package var instance: String?
    package var retentionClass: UInt16
    /// How the delivery was authenticated: `source.verified`.
    package var verified: String

    package init(name: String, instance: String? = nil, retentionClass: UInt16 = 0, verified: String) {
        self.name = name
        self.instance = instance
        self.retentionClass = retentionClass
        self.verified = verified
    }
}

/// Completes, seals and gathers the events of one delivery.
///
/// A connector has filled what the payload says; this adds what intake owns: `id`, `schema`, `received`, `source.name`,
/// `.instance`, `.verified`, `payload.*`, and the receive time where the payload has no time of its own.
package struct BatchBuilder {
    private let origin: EventOrigin
    private let received: Timestamp
    private let keyer: DeliveryKeyer
    private let memory: BatchMemory?
    private var ids: EventIDs
    private var bytes: [UInt8]
    private var lengths: [UInt32] = []
    private var items: [PreparedBatch.Item] = []
    private var positions: [Int] = []
    /// The digest of the payload at hand, and how it is written.
    private var digest = [UInt8](repeating: 0, count: MessageDigest.byteCount)
    private var hex: [UInt8] = []
    private var rejected: [RejectedEntry] = []

    /// - Parameters:
    ///   - expectedBytes: Room to reserve for the sealed events.
    ///   - memory: Where room for many comes from.
    package init(
        origin: EventOrigin, received: Timestamp, keyer: DeliveryKeyer, expectedBytes: Int = 0,
        memory: BatchMemory? = nil
    ) {
        self.origin = origin
        self.received = received
        self.keyer = keyer
        self.memory = memory
        bytes = memory?.take(expectedBytes) ?? []
        var random = SystemRandomNumberGenerator()
        ids = EventIDs(at: received, using: &random)
    }

    package var count: Int { items.count }

    /// Seals one event.
    ///
    /// - Parameters:
    ///   - record: What the connector found. It is changed and must be emptied before it is used again.
    ///   - payload: The bytes to keep, already redacted.
    ///   - payloadType: The media type of the payload.
    ///   - part: JSON pointer or line inside the delivery, for one of many.
    ///   - kind: The kind of the leaf; only Custody itself makes others than events.
    ///   - keyedByContent: Whether the payload's digest serves as delivery id where there is no other.
    ///   - isDocument: Whether a parser with the limits of events has taken the payload as it is.
    ///   - flag: Decides, from key and payload digest, on a warning to seal with the event.
    package mutating func add(
        _ record: inout EventRecord, payload: UnsafeRawBufferPointer, payloadType: StaticString = "application/json",
        position: Int, part: String?, kind: UInt8 = 0, keyedByContent: Bool = false, isDocument: Bool = false,
        flag: (DeliveryKey, UInt64) -> String? = { _, _ in nil }
    ) {
        digest.withUnsafeMutableBytes { MessageDigest.write(of: payload, to: $0.baseAddress!) }
        hex.removeAll(keepingCapacity: true)
        digest.withUnsafeBytes { Hex.append($0, to: &hex) }
        complete(&record, payload: payload, payloadType: payloadType, part: part)
        if keyedByContent, !record.contains(.sourceDelivery) {
            record.set(.sourceDelivery, "content:" + String(decoding: hex, as: UTF8.self))
        }
        let connector = record.text(.sourceKind) ?? ""
        let key = record.withValue(.sourceDelivery) {
            keyer.key(sourceName: origin.name, connector: connector, delivery: $0)
        }
        // Only events with a key are compared.
        let payloadDigest = key == nil ? 0 : digest.withUnsafeBytes { keyer.payloadDigest(sha256: $0) }
        if let key, let warning = flag(key, payloadDigest) { record.warn(warning) }
        let start = bytes.count
        SealedForm.append(
            &record, payload: payload, kind: kind, retentionClass: origin.retentionClass, to: &bytes)
        lengths.append(UInt32(bytes.count - start))
        items.append(
            PreparedBatch.Item(
                range: start..<bytes.count, key: key, payloadDigest: payloadDigest, isDocument: isDocument))
        positions.append(position)
    }

    /// Notes an entry that could not become an event.
    package mutating func reject(_ entry: RejectedEntry) { rejected.append(entry) }

    /// Compresses what was gathered.
    package consuming func finish() throws -> PreparedBatch {
        let partition = JournalPartition(day: received.day, retentionClass: origin.retentionClass)
        var page: JournalPage?
        if !items.isEmpty {
            page = try bytes.withUnsafeBytes { records in
                try JournalPage(
                    records: records, lengths: lengths, partition: partition,
                    room: memory?.take(JournalPage.likelyBytes(ofRecords: records.count)) ?? [])
            }
        }
        return PreparedBatch(
            partition: partition, received: received, bytes: bytes, items: items, page: page,
            rejected: rejected, positions: positions, memory: memory)
    }

    private mutating func complete(
        _ record: inout EventRecord, payload: UnsafeRawBufferPointer, payloadType: StaticString, part: String?
    ) {
        record.set(.schema, "custody/1")
        ids.next { record.set(.id, $0) }
        record.set(.received, time: received)
        if !record.contains(.time) {
            record.set(.time, time: received)
            record.set(.timeBasis, "received")
        } else if !record.contains(.timeBasis) {
            record.set(.timeBasis, "payload")
        }
        if let warning = record.time(.time).flatMap({ EventClock(time: $0, received: received).warning }) {
            record.warn(warning)
        }
        record.set(.sourceName, origin.name)
        if let instance = origin.instance { record.set(.sourceInstance, instance) }
        record.set(.sourceVerified, origin.verified)
        hex.withUnsafeBytes { record.set(.payloadSHA256, $0) }
        record.set(.payloadType, payloadType)
        record.set(.payloadSize, integer: Int64(payload.count))
        if let part { record.set(.payloadPart, part) }
    }
}
