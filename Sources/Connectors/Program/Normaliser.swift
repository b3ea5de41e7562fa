package import EventModel

/// By what a second delivery of the same event is known. The key's text is the record's `source.delivery`.
package enum DeduplicationBasis: Sendable {
    /// Nothing identifies the event: every arrival is an event of its own.
    case none
    /// `source.delivery` identifies it within its source.
    case identifier
    /// The connector declares that equal bytes are one event.
    case content
}

/// Runs connectors' programs over parsed payloads. It owns the buffers: one a task, reused for every event.
///
/// Cost: one walk over the members of those objects that a path names, plus about 50 ns for each field.
package struct Normaliser: ~Copyable {
    var slots = PathSlots()
    var elementSlots = PathSlots()
    var isInElement = false
    var variables: [[UInt8]] = []
    var eventType: [UInt8] = []
    var action: [UInt8] = []
    var value: [UInt8] = []
    var scratch: [UInt8] = []
    var headers = DeliveryHeaders()
    private var inner: JSONParser?
    /// What the section at hand can do with this payload.
    private var met: [UInt64] = []

    package init() {}

    /// Fills everything of a record but what intake owns: id, schema, received, `source.name`, `source.verified`,
    /// `payload.*`. `time` stays unset when the payload tells none; intake then takes the time of receipt.
    ///
    /// - Parameter value: The event's parsed payload. What a collector wrapped around the event is looked through.
    package mutating func normalise(
        _ value: JSONValue, headers: DeliveryHeaders, with connector: Connector, into record: inout EventRecord
    ) -> DeduplicationBasis {
        self.headers = headers
        find(connector.program, in: value)
        for wrapper in connector.program.wrapperSlots {
            guard let wrapped = slots[wrapper] else { continue }
            if wrapped.kind == .object {
                find(connector.program, in: wrapped)
                return run(connector, &record)
            }
            guard let text = wrapped.string else { continue }
            let basis: DeduplicationBasis?
            if text.first == UInt8(ascii: "{") {
                basis = runInside(text, connector, &record)
            } else if let decoded = Self.base64Object(text) {
                basis = decoded.withUnsafeBytes { runInside($0, connector, &record) }
            } else {
                continue
            }
            if let basis { return basis }
        }
        return run(connector, &record)
    }

    /// Puts what a program's paths lead to into the slots.
    private mutating func find(_ program: Program, in value: JSONValue) {
        slots.reset(count: program.paths.slotCount)
        program.paths.walk(value, into: &slots)
    }

    /// Nil when the text is no JSON after all: it is left where it is, and the payload is read as it stands.
    private mutating func runInside(
        _ text: UnsafeRawBufferPointer, _ connector: Connector, _ record: inout EventRecord
    ) -> DeduplicationBasis? {
        let parser = inner ?? JSONParser()
        inner = parser
        return try? parser.withDocument(text) { value in
            find(connector.program, in: value)
            return run(connector, &record)
        }
    }

    /// An object in base64 begins with an `e`: `eyJ`, `ewo`, `ewk` or `ew0`.
    static func base64Object(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.first == UInt8(ascii: "e"), let decoded = BinaryText.base64(text),
            decoded.first == UInt8(ascii: "{")
        else { return nil }
        return decoded
    }

    /// Runs a program over what was found.
    private mutating func run(_ connector: Connector, _ record: inout EventRecord) -> DeduplicationBasis {
        let program = connector.program
        while variables.count < program.variableCount { variables.append([]) }
        for position in variables.indices { variables[position].removeAll(keepingCapacity: true) }
        record.set(.sourceKind, connector.name)
        record.set(.normVersion, connector.versionText)
        eventType.removeAll(keepingCapacity: true)
        action.removeAll(keepingCapacity: true)
        if findEventType(program) { eventType.withUnsafeBytes { record.set(.sourceEventType, $0) } }
        let section = program.section(for: eventType)
        section.needs.find(slots.touched, into: &met)
        for word in met.indices {
            var rest = met[word]
            while rest != 0 {
                let number = word * 64 + rest.trailingZeroBitCount
                rest &= rest - 1
                if number < section.operations.count {
                    execute(section.operations[number], element: 0, &record)
                } else {
                    execute(section.lists[number - section.operations.count], &record)
                }
            }
        }
        complete(&record)
        guard evaluate(program.delivery) else {
            return program.usesContentAsKey ? .content : .none
        }
        self.value.withUnsafeBytes { record.set(.sourceDelivery, $0) }
        return .identifier
    }

    private mutating func findEventType(_ program: Program) -> Bool {
        guard let sealed = headers.sealedEventType, let known = program.eventTypeWithoutHeaders else {
            guard evaluate(program.eventType) else { return false }
            swap(&eventType, &value)
            return true
        }
        if evaluate(known) { swap(&eventType, &value) } else { eventType = sealed }
        return !eventType.isEmpty
    }

    /// What follows from other fields, whatever the connector.
    private func complete(_ record: inout EventRecord) {
        if !record.contains(.activity) {
            let activity = record.withValue(.action) { Vocabulary.activity(ofAction: $0) } ?? nil
            if let activity {
                activity.withUnsafeBytes { record.set(.activity, $0) }
            } else if record.contains(.action) {
                record.set(.activity, "other" as StaticString)
            }
        }
        if !record.contains(.category), record.contains(.action) { record.set(.category, "other" as StaticString) }
        let isBot = record.withValue(.actorName) {
            $0.count > 5 && $0.slice($0.count - 5..<$0.count).hasSameBytes(as: "[bot]")
        }
        if isBot == true { record.set(.actorType, "bot" as StaticString) }
    }

    private mutating func execute(_ list: ListOperation, _ record: inout EventRecord) {
        if let condition = list.condition, !holds(condition) { return }
        guard let each = list.each else {
            addMember(list, &record)
            return
        }
        guard let array = slots[each] else { return }
        guard array.kind == .array else {
            addMember(list, element: array, &record)
            return
        }
        var position = 0
        for element in array.elements {
            defer { position += 1 }
            guard position >= list.skip else { continue }
            guard position < EventRecord.maximumElements + list.skip else {
                record.warn("\(list.list.path): only the first \(EventRecord.maximumElements) are listed")
                return
            }
            addMember(list, element: element, &record)
        }
    }

    private mutating func addMember(_ list: ListOperation, element: JSONValue, _ record: inout EventRecord) {
        guard let paths = list.element else { return }
        elementSlots.reset(count: paths.slotCount)
        paths.walk(element, into: &elementSlots)
        isInElement = true
        addMember(list, &record)
        isInElement = false
    }

    private mutating func addMember(_ list: ListOperation, _ record: inout EventRecord) {
        let number = list.list.members.reduce(0) { max($0, record.count(of: $1)) }
        for operation in list.operations { execute(operation, element: number, &record) }
    }
}

extension Field {
    /// The fields of which one member of this list is made.
    var members: [Field] {
        switch self {
        case .artifactName:
            [.artifactName, .artifactPURL, .artifactDigest, .artifactTag, .artifactMediaType, .artifactSize]
        case .targetsName: [.targetsType, .targetsID, .targetsName, .targetsParent, .targetsURL]
        default: [self]
        }
    }
}

extension JSONValue {
    func value(at path: PayloadPath) -> JSONValue? {
        var value = self
        for step in path.steps {
            let next: JSONValue? =
                switch step {
                case .key(let key): key.withUnsafeBytes { value[$0] }
                case .index(let index): value[index]
                case .element(let key, let text):
                    value.elements.first { $0.hasText(text, at: key) }
                }
            guard let next else { return nil }
            value = next
        }
        return value
    }
}
