import Connectors
import EventModel

/// What of a sealed event stands, whatever its payload says to a connector of today: what intake, the transport, the sender's
/// token or an operator's table added.
struct SealedRemainder {
    private let sealed: EventRecord
    private let headerFields: (fields: Set<Field>, extensions: Set<String>)

    /// What a record owes to the moment of its receipt.
    private static let ofReceipt: [Field] = [
        .schema, .id, .received, .sourceName, .sourceVerified, .sourceDelivery, .payloadSHA256, .payloadType,
        .payloadSize, .payloadPart,
    ]

    init(_ sealed: EventRecord, headerFields: (fields: Set<Field>, extensions: Set<String>)) {
        self.sealed = sealed
        self.headerFields = headerFields
    }

    /// Brings it into what a connector has read from the payload.
    func complete(_ record: inout EventRecord) {
        for field in Self.ofReceipt { take(field, into: &record, replacing: true) }
        take(.sourceInstance, into: &record, replacing: false)
        if !record.contains(.time) {
            take(.time, into: &record, replacing: false)
            take(.timeBasis, into: &record, replacing: true)
        } else if !record.contains(.timeBasis) {
            record.set(.timeBasis, "payload")
        }
        for field in headerFields.fields where field != .time { take(field, into: &record, replacing: false) }
        let extensions = sealed.extensions
        if isOfJob(extensions) {
            for field in DeliveringWorkload.jobFields { take(field, into: &record, replacing: true) }
        }
        takeExtensions(extensions, into: &record)
        for element in 0..<sealed.count(of: .normWarnings) {
            guard let warning = sealed.text(.normWarnings, element: element) else { continue }
            let isIntakes =
                warning.hasPrefix(DeliveryPreparer.reuseWarning) || warning.hasSuffix(DeliveringWorkload.contradiction)
            if isIntakes { record.warn(warning) }
        }
        if let time = record.time(.time), let received = record.time(.received),
            let warning = EventClock(time: time, received: received).warning
        {
            record.warn(warning)
        }
    }

    private func take(_ field: Field, into record: inout EventRecord, replacing: Bool) {
        if replacing { record.remove(field) }
        guard !record.contains(field) else { return }
        _ = sealed.withValue(field) { record.set(field, $0) }
    }

    /// Whether a job's token filled fields, as it does in events that describe themselves.
    private func isOfJob(_ extensions: [(key: String, value: String)]) -> Bool {
        extensions.contains { $0.key.hasPrefix(DeliveringWorkload.prefix) }
            && sealed.text(.sourceKind) == DeliveringWorkload.selfDescribed
            && (sealed.contains(.ciRun) || sealed.contains(.ciSystem))
    }

    /// Extensions of the token and of tables, with the fields that tables filled. What the payload now says itself is no longer a
    /// table's word.
    private func takeExtensions(_ extensions: [(key: String, value: String)], into record: inout EventRecord) {
        let own = record.extensions
        record.removeList(.ext)
        for entry in own where !entry.key.hasPrefix(DeliveringWorkload.prefix) && entry.key != EnrichmentTable.mark {
            record.addExtension(entry.key, entry.value)
        }
        let said = Set(own.map(\.key))
        for entry in extensions {
            let isFromHeader = headerFields.extensions.contains(entry.key) && !said.contains(entry.key)
            if isFromHeader || entry.key.hasPrefix(DeliveringWorkload.prefix) {
                record.addExtension(entry.key, entry.value)
            } else if entry.key == EnrichmentTable.mark {
                takeMarked(entry.value, extensions, said, into: &record)
            }
        }
    }

    /// - Parameter mark: `NAME@DIGEST FIELD …`.
    private func takeMarked(
        _ mark: String, _ extensions: [(key: String, value: String)], _ said: Set<String>,
        into record: inout EventRecord
    ) {
        let words = mark.split(separator: " ").map(String.init)
        guard let table = words.first else { return }
        var kept: [String] = []
        for path in words.dropFirst() {
            if path.hasPrefix("ext.") {
                let key = String(path.dropFirst(4))
                guard !said.contains(key) else { continue }
                for entry in extensions where entry.key == key { record.addExtension(key, entry.value) }
                kept.append(path)
            } else if let field = Field(path: path), !record.contains(field) {
                take(field, into: &record, replacing: false)
                kept.append(path)
            } else if let field = Field(path: path), sealed.text(field) == record.text(field),
                field == .sourceInstance || headerFields.fields.contains(field)
            {
                // Taken over above, and still the table's word.
                kept.append(path)
            }
        }
        if !kept.isEmpty { record.addExtension(EnrichmentTable.mark, ([table] + kept).joined(separator: " ")) }
    }
}

extension EventRecord {
    /// The entries of `ext`, in order.
    var extensions: [(key: String, value: String)] {
        (0..<count(of: .ext)).compactMap { element in
            guard let text = text(.ext, element: element), let end = text.firstIndex(of: "\0") else { return nil }
            return (String(text[..<end]), String(text[text.index(after: end)...]))
        }
    }
}
