package import EventModel

/// Reads deliveries: splits the body, parses each part, finds its connector and normalises each event.
///
/// It owns a parser and buffers and is meant to be used again and again by one task at a time.
package final class DeliveryReader {
    /// One event, borrowed for the time of the call that hands it out.
    package struct Event {
        /// The event's number within the delivery, from 0, refused ones counted.
        package let position: Int
        /// `payload.part`: a JSON pointer within the body, or the number of a line from 1 and a pointer within that line;
        /// nil when the body is the event.
        package let part: String?
        /// The event's bytes as they were sent.
        package let payload: UnsafeRawBufferPointer
        /// Whether the payload is a line of text, not JSON.
        package let isText: Bool
        package let connector: Connector
        package let deduplication: DeduplicationBasis
        /// What the protocol said of it.
        package let frame: DeliveryFrame?
    }

    /// A part of a delivery that could not be read. The parts around it were.
    package struct Refusal {
        package let position: Int
        package let part: String?
        package let bytes: UnsafeRawBufferPointer
        /// Safe to show to the sender.
        package let error: EventModelError
    }

    private let catalogue: ConnectorCatalogue
    private let parser: JSONParser
    private var normaliser = Normaliser()
    private var record = EventRecord()
    /// The frame that is being read, and its number: the position of everything in it.
    private var frame: (number: Int, frame: DeliveryFrame)?
    private var received: Timestamp?

    package init(catalogue: ConnectorCatalogue = .builtIn, limits: JSONLimits = JSONLimits()) {
        self.catalogue = catalogue
        parser = JSONParser(limits: limits)
    }

    /// Reads one body.
    ///
    /// - Parameters:
    ///   - connector: The source's connector; nil recognises each part by its shape (`auto`).
    ///   - frames: Where the events are; nil splits the body. The positions of events and refusals are then those of frames.
    ///   - received: What times without a year are read against; nil leaves them unread.
    ///   - onEvent: Gets every event and its record, which lacks only what intake owns. The record is reused.
    ///   - onRefusal: Gets every part that is no event.
    /// - Throws: What the closures throw.
    /// - Complexity: One parse of each part; an event costs about 2 µs more.
    package func read(
        _ body: UnsafeRawBufferPointer, headers: DeliveryHeaders, connector: Connector?,
        frames: [DeliveryFrame]? = nil, received: Timestamp? = nil,
        onEvent: (inout EventRecord, Event) throws -> Void, onRefusal: (Refusal) throws -> Void
    ) throws {
        self.received = received
        if let frames { return try read(frames, of: body, headers, connector, onEvent, onRefusal) }
        if let form = FormBody.payload(of: body, headers: headers) {
            return try form.withUnsafeBytes {
                try split($0, headers, connector, onEvent, onRefusal)
            }
        }
        try split(body, headers, connector, onEvent, onRefusal)
    }

    private func read(
        _ frames: [DeliveryFrame], of body: UnsafeRawBufferPointer, _ headers: DeliveryHeaders,
        _ connector: Connector?, _ onEvent: (inout EventRecord, Event) throws -> Void,
        _ onRefusal: (Refusal) throws -> Void
    ) throws {
        defer { frame = nil }
        for (number, next) in frames.enumerated() {
            frame = (number, next)
            let bytes = body.slice(next.range)
            var position = number
            if let reason = next.refusal {
                let error = EventModelError(.malformedJSON, reason)
                try onRefusal(Refusal(position: number, part: next.part, bytes: bytes, error: error))
            } else if bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") {
                try readDocument(bytes, next.part, headers, connector, &position, onEvent, onRefusal)
            } else {
                try readText(bytes, next.part, headers, connector, &position, onEvent, onRefusal)
            }
        }
    }

    private func split(
        _ body: UnsafeRawBufferPointer, _ headers: DeliveryHeaders, _ connector: Connector?,
        _ onEvent: (inout EventRecord, Event) throws -> Void, _ onRefusal: (Refusal) throws -> Void
    ) throws {
        let splitter = BodySplitter(body)
        var position = 0
        try splitter.forEachPart { part in
            let bytes = body.slice(part.range)
            if splitter.form == .text {
                try readText(bytes, part.pointer, headers, connector, &position, onEvent, onRefusal)
            } else {
                try readDocument(bytes, part.pointer, headers, connector, &position, onEvent, onRefusal)
            }
        }
    }

    private func readText(
        _ bytes: UnsafeRawBufferPointer, _ pointer: String?, _ headers: DeliveryHeaders, _ connector: Connector?,
        _ position: inout Int,
        _ onEvent: (inout EventRecord, Event) throws -> Void, _ onRefusal: (Refusal) throws -> Void
    ) throws {
        defer { position += 1 }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            let error = EventModelError(.notUTF8, "not valid UTF-8")
            return try onRefusal(
                Refusal(position: frame?.number ?? position, part: pointer, bytes: bytes, error: error))
        }
        if let connector, connector !== catalogue.generic, connector.lines.isEmpty {
            let error = EventModelError(.malformedJSON, "not valid JSON")
            return try onRefusal(
                Refusal(position: frame?.number ?? position, part: pointer, bytes: bytes, error: error))
        }
        record.removeAll()
        var chosen = catalogue.generic
        var basis = DeduplicationBasis.none
        let message = SyslogMessage(bytes, received: received)
        do {
            if let (known, document) = form(of: bytes, message, connector) {
                chosen = known
                basis = try normaliseLine(document, headers, known)
                if let time = message?.time, !record.contains(.time) {
                    // The head's time, whose year no form of a line can tell.
                    record.set(.time, time: time)
                    record.set(.timeBasis, "payload" as StaticString)
                }
            } else if let connector, connector !== catalogue.generic {
                chosen = connector
                basis = try normaliseLine(LinePattern.document(ofUnknown: bytes), headers, connector)
                record.warn("the line has none of the forms that \(connector.name) knows")
            } else {
                record.set(.sourceKind, chosen.name)
                record.set(.normVersion, chosen.versionText)
            }
        } catch let error as EventModelError {
            return try onRefusal(
                Refusal(position: frame?.number ?? position, part: pointer, bytes: bytes, error: error))
        }
        try onEvent(
            &record,
            Event(
                position: frame?.number ?? position, part: pointer, payload: bytes, isText: true, connector: chosen,
                deduplication: basis, frame: frame?.frame))
    }

    private func normaliseLine(
        _ document: [UInt8], _ headers: DeliveryHeaders, _ connector: Connector
    ) throws -> DeduplicationBasis {
        try parser.withDocument(document) {
            normaliser.normalise($0, headers: headers, with: connector, into: &record)
        }
    }

    /// The connector of a line, and the object that it makes of it; nil when nobody knows the line's form.
    private func form(
        of line: UnsafeRawBufferPointer, _ message: SyslogMessage?, _ connector: Connector?
    ) -> (connector: Connector, document: [UInt8])? {
        let candidates = connector.map { [$0] } ?? catalogue.lineConnectors
        guard let message, message.hasHead else { return Self.form(of: line, among: candidates) }
        // What writes to syslog is known by its own words, in the one form of the head that all connectors know, if not as it stands.
        let programs = candidates.filter { !SyslogMessage.isGeneral($0) }
        if let known = Self.form(of: line, among: programs) { return known }
        if let known = message.line.withUnsafeBytes({ Self.form(of: $0, among: programs) }) { return known }
        if let connector, SyslogMessage.isGeneral(connector) { return (connector, message.document) }
        guard connector == nil || connector === catalogue.generic else { return nil }
        return catalogue.syslog.map { ($0, message.document) }
    }

    /// The first connector that knows a line's form, and the object that it makes of it.
    private static func form(
        of line: UnsafeRawBufferPointer, among connectors: [Connector]
    ) -> (connector: Connector, document: [UInt8])? {
        for connector in connectors {
            for pattern in connector.lines {
                if let document = pattern.document(of: line) { return (connector, document) }
            }
        }
        return nil
    }

    private func readDocument(
        _ bytes: UnsafeRawBufferPointer, _ pointer: String?, _ headers: DeliveryHeaders, _ connector: Connector?,
        _ position: inout Int,
        _ onEvent: (inout EventRecord, Event) throws -> Void, _ onRefusal: (Refusal) throws -> Void
    ) throws {
        do {
            try parser.withDocument(bytes) { value in
                guard value.kind == .object else {
                    throw EventModelError(.malformedJSON, "an event is a JSON object")
                }
                let chosen =
                    connector ?? catalogue.recogniser.connector(for: value, headers: headers, using: &normaliser)
                    ?? catalogue.generic
                let canBeBatch =
                    !chosen.batchesStandAlone || value.members.prefix(2).reduce(0) { count, _ in count + 1 } == 1
                for batch in canBeBatch ? chosen.batches : [] {
                    guard let elements = value.value(at: batch.path), elements.kind == .array else { continue }
                    return try readBatch(
                        elements, batch, bytes, pointer, headers, chosen, &position, onEvent, onRefusal)
                }
                try emit(value, bytes, pointer, headers, chosen, &position, onEvent)
            }
        } catch let error as EventModelError {
            if error.code == .tooLarge, let parts = oversizedBatch(bytes, connector) {
                for (number, range) in parts.ranges.enumerated() {
                    let inner = "\(pointer ?? "")\(parts.pointer)/\(number)"
                    try readDocument(bytes.slice(range), inner, headers, connector, &position, onEvent, onRefusal)
                }
                return
            }
            // A line can hold several documents, too; that is rare and only looked for when it is no single one.
            let ranges = error.code == .malformedJSON ? Self.documents(in: bytes) : []
            guard ranges.count > 1 else {
                try onRefusal(Refusal(position: frame?.number ?? position, part: pointer, bytes: bytes, error: error))
                position += 1
                return
            }
            for range in ranges {
                try readDocument(bytes.slice(range), pointer, headers, connector, &position, onEvent, onRefusal)
            }
        }
    }

    /// The documents placed one after another in a text that begins with an object.
    private static func documents(in bytes: UnsafeRawBufferPointer) -> [Range<Int>] {
        guard bytes.first == UInt8(ascii: "{") else { return [] }
        var splitter = JSONSplitter(bytes)
        var ranges: [Range<Int>] = []
        while let range = splitter.nextValue() { ranges.append(range) }
        return ranges
    }

    private func readBatch(
        _ elements: JSONValue, _ batch: BatchPath, _ bytes: UnsafeRawBufferPointer, _ pointer: String?,
        _ headers: DeliveryHeaders, _ connector: Connector, _ position: inout Int,
        _ onEvent: (inout EventRecord, Event) throws -> Void, _ onRefusal: (Refusal) throws -> Void
    ) throws {
        let splitter = JSONSplitter(bytes)
        guard let ranges = batch.elements(in: splitter) else {
            throw EventModelError(.malformedJSON, "the batch cannot be split")
        }
        let prefix = (pointer ?? "") + batch.pointer + "/"
        var iterator = elements.elements
        for (number, range) in ranges.enumerated() {
            guard let element = iterator.next() else { return }
            let payload = bytes.slice(range)
            let part = prefix + String(number)
            guard element.kind == .object else {
                let error = EventModelError(.malformedJSON, "an event is a JSON object")
                try onRefusal(Refusal(position: frame?.number ?? position, part: part, bytes: payload, error: error))
                position += 1
                continue
            }
            try emit(element, payload, part, headers, connector, &position, onEvent)
        }
    }

    private func emit(
        _ value: JSONValue, _ payload: UnsafeRawBufferPointer, _ part: String?, _ headers: DeliveryHeaders,
        _ connector: Connector, _ position: inout Int, _ onEvent: (inout EventRecord, Event) throws -> Void
    ) throws {
        record.removeAll()
        let basis = normaliser.normalise(value, headers: headers, with: connector, into: &record)
        let event = Event(
            position: frame?.number ?? position, part: part, payload: payload, isText: false, connector: connector,
            deduplication: basis, frame: frame?.frame)
        position += 1
        try onEvent(&record, event)
    }

    /// The elements of a document that is too large to be parsed whole, but is only the wrapping of a batch.
    private func oversizedBatch(
        _ bytes: UnsafeRawBufferPointer, _ connector: Connector?
    ) -> (pointer: String, ranges: [Range<Int>])? {
        let splitter = JSONSplitter(bytes)
        for batch in connector?.batches ?? catalogue.connectors.flatMap(\.batches) {
            if let ranges = batch.elements(in: splitter) { return (batch.pointer, ranges) }
        }
        return nil
    }
}

/// GitHub and others can send JSON inside a form field named `payload`.
enum FormBody {
    /// The decoded field; nil when the body is not such a form.
    static func payload(of body: UnsafeRawBufferPointer, headers: DeliveryHeaders) -> [UInt8]? {
        let name = Array("payload=".utf8)
        guard body.starts(with: name) else { return nil }
        let field = body[name.count...].prefix { $0 != UInt8(ascii: "&") }
        var output: [UInt8] = []
        output.reserveCapacity(field.count)
        var position = field.startIndex
        while position < field.endIndex {
            let byte = field[position]
            if byte == UInt8(ascii: "%"), position + 2 < field.endIndex,
                let decoded = BinaryText.hex(field[position + 1...position + 2])
            {
                output.append(contentsOf: decoded)
                position += 3
                continue
            }
            output.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
            position += 1
        }
        return output
    }
}
