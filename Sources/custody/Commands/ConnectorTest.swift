import Connectors
import EventModel

/// Reads deliveries as intake would, but for authentication, redaction and what only a ledger gives.
struct ConnectorTest {
    enum Outcome {
        /// The canonical event as JSON, and what could not be mapped.
        case event(position: Int, json: [UInt8], warnings: [String])
        case refused(position: Int, reason: String)
    }

    let catalogue: ConnectorCatalogue
    /// Nil recognises each event by its shape.
    let connector: Connector?
    let headers: DeliveryHeaders
    let enrichment: Enrichment
    /// The name that the source has, for tables that are for some only.
    let source: String
    /// What an event's time falls back to.
    let received: Timestamp

    /// Hands every event of one body to `body`, in order.
    func read(_ bytes: [UInt8], _ body: (Outcome) throws -> Void) throws {
        let reader = DeliveryReader(catalogue: catalogue)
        try bytes.withUnsafeBytes { bytes in
            try reader.read(
                bytes, headers: headers, connector: connector,
                onEvent: { record, event in
                    let json = try canonical(&record, event)
                    try body(.event(position: event.position, json: json.text, warnings: json.warnings))
                },
                onRefusal: { try body(.refused(position: $0.position, reason: $0.error.reason)) })
        }
    }

    private func canonical(
        _ record: inout EventRecord, _ event: DeliveryReader.Event
    ) throws -> (text: [UInt8], warnings: [String]) {
        record.set(.schema, "custody/1")
        record.set(.received, time: received)
        if !record.contains(.time) {
            record.set(.time, time: received)
            record.set(.timeBasis, "received")
        } else if !record.contains(.timeBasis) {
            record.set(.timeBasis, "payload")
        }
        record.set(.sourceName, source)
        record.set(.sourceVerified, "none")
        if !enrichment.isEmpty { enrichment.enrich(&record, source: source) }
        record.set(.payloadType, event.isText ? "text/plain" : "application/json")
        record.set(.payloadSize, integer: Int64(event.payload.count))
        if let part = event.part { record.set(.payloadPart, part) }
        var sealed: [UInt8] = []
        SealedForm.append(&record, payload: event.payload, to: &sealed)
        return try sealed.withUnsafeBytes { bytes in
            let view = try SealedView(bytes)
            var text: [UInt8] = []
            EventJSON.append(view, index: nil, to: &text)
            return (text, view.entries.filter { $0.field == .normWarnings }.map(\.value.text))
        }
    }
}

/// Writes what ``ConnectorTest`` finds.
struct ConnectorTestWriter {
    let console: Console
    let asJSON: Bool
    private var table = TextTable(
        [.init(title: "file"), .init(title: "position", isNumber: true)] + EventColumns.all.dropFirst())
    private var events = 0
    private var refusals = 0

    init(console: Console, asJSON: Bool) {
        self.console = console
        self.asJSON = asJSON
    }

    mutating func refuse(_ reason: String) {
        refusals += 1
        console.note("custody: \(reason)")
    }

    mutating func take(_ outcome: ConnectorTest.Outcome, file: String) throws {
        switch outcome {
        case .refused(let position, let reason): refuse("\(file): entry \(position): \(reason)")
        case .event(let position, let json, let warnings):
            events += 1
            if asJSON {
                var line = JSONObject()
                line.add("file", file)
                line.add("position", position)
                line.add("event", raw: json)
                line.add("warnings", warnings)
                return try console.writeOutput(line.line)
            }
            try JSONDocument.read(json) { event in
                table.add([file, String(position)] + EventColumns.cells(event).dropFirst())
            }
            for warning in warnings { console.note("\(file): entry \(position): \(warning)") }
        }
    }

    /// - Throws: ``CommandFailure``, `refused` when something could not be read, `nothingFound` without any event.
    func finish() throws {
        if !asJSON, events > 0 { try console.lines(table.lines(console)) }
        guard refusals == 0 else { throw CommandFailure(.refused, "\(refusals) refused, \(events) read") }
        guard events > 0 else { throw CommandFailure(.nothingFound, "no events") }
    }
}
