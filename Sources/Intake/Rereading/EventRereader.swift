package import Connectors
package import EventModel

/// Reads sealed events again with the connectors of today: what their fields would be if they came now.
///
/// The payload is the one that was sealed, so nothing is read that redaction took out. What intake knew and the payload does not
/// tell stays as it was sealed (``SealedRemainder``). It owns a parser and buffers: use it in one task, for one event after another.
package final class EventRereader {
    package enum Outcome {
        /// The same fields as were sealed, but for the connector's version and its warnings.
        case same
        /// Other fields: the sealed form that they would have, labelled in `norm.overlay`. Valid inside the call that got it.
        case differs(SealedView)
        /// No connector of today makes exactly one event of the payload: what was sealed stands.
        case unreadable
        /// There is nothing to read: a record of Custody's own, or an event of which something was destroyed.
        case untouched
    }

    private let catalogue: ConnectorCatalogue
    /// The connector that the source names; nil for one that takes anything.
    private let pinned: Connector?
    private let reader: DeliveryReader
    private var headerFields: [String: (fields: Set<Field>, extensions: Set<String>)] = [:]
    private var output: [UInt8] = []

    package init(catalogue: ConnectorCatalogue, connector: Connector?, limits: IntakeLimits = IntakeLimits()) {
        self.catalogue = catalogue
        pinned = connector
        var json = JSONLimits()
        json.bytes = limits.eventBytes
        reader = DeliveryReader(catalogue: catalogue, limits: json)
    }

    /// Reads one event again and hands what comes of it to `body`.
    ///
    /// - Complexity: as reading it the first time; nothing is sealed when the fields are the same.
    package func reread<Result>(_ view: SealedView, _ body: (Outcome) throws -> Result) throws -> Result {
        guard view.kind == 0, view.destroyed.isEmpty, let payload = view.payload, view.text(.sourceKind) != "custody"
        else { return try body(.untouched) }
        let sealed = EventRecord(view)
        var events = 0
        var differs = false
        try reader.read(
            payload, headers: DeliveryHeaders(sealedEventType: Array((view.text(.sourceEventType) ?? "").utf8)),
            connector: connector(of: view), frames: [DeliveryFrame(range: 0..<payload.count)], received: view.received,
            onEvent: { record, event in
                events += 1
                guard events == 1 else { return }
                SealedRemainder(sealed, headerFields: headerFields(of: event.connector)).complete(&record)
                guard EventDifference.isThere(between: sealed, and: record) else { return }
                differs = true
                if let version = record.text(.normVersion) { record.set(.normOverlay, version) }
                output.removeAll(keepingCapacity: true)
                SealedForm.append(
                    &record, payload: payload, kind: view.kind, retentionClass: view.retentionClass, to: &output)
            },
            onRefusal: { _ in events += 2 })
        guard events == 1 else { return try body(.unreadable) }
        guard differs else { return try body(.same) }
        return try output.withUnsafeBytes { try body(.differs(try SealedView($0))) }
    }

    /// The connector that reads an event: the one that read it first, as it is today. What was nobody's (`generic`), or whose
    /// connector is gone, is the source's own connector's now, or is recognised anew.
    private func connector(of view: SealedView) -> Connector? {
        let kind = view.text(.sourceKind) ?? ""
        if kind != catalogue.generic.name, let known = try? catalogue.connector(named: kind) { return known }
        return pinned
    }

    private func headerFields(of connector: Connector) -> (fields: Set<Field>, extensions: Set<String>) {
        if let known = headerFields[connector.name] { return known }
        let fields = connector.headerFields
        headerFields[connector.name] = fields
        return fields
    }
}

extension EventRecord {
    /// The fields of a sealed event.
    init(_ view: SealedView) {
        self.init()
        for entry in view.entries { set(entry.field, element: entry.element, entry.value) }
    }
}
