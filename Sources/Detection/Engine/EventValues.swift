import EventModel

/// The values of one event's fields, looked up when a predicate first asks for them.
///
/// It borrows the payload and the sealed form between ``begin(view:payload:)`` and the next call, and is used by one
/// task at a time.
final class EventValues {
    struct Value {
        enum Kind { case text, number, boolean, null, object }

        var kind: Kind
        /// Where the text lies in borrowed memory; nil when it is in the arena at `offset`.
        var base: UnsafeRawPointer?
        var offset: Int
        var count: Int
        /// Offset of the folded copy in the arena; -1 while there is none.
        var foldedOffset = -1
        var foldedCount = 0
    }

    struct Slot {
        var stamp: UInt64 = 0
        var first = 0
        var end = 0
        var isFound = false
    }

    private let arena = ByteArena()
    private var values: [Value] = []
    private var slots: [Slot] = []
    private var stamp: UInt64 = 0
    private var view: SealedView?
    private var payload: JSONValue?
    private var canonical: [SealedEntries.Entry] = []
    private var hasCanonical = false

    /// - Parameter fieldCount: How many fields the program that will ask knows.
    func begin(view: SealedView?, payload: JSONValue?, fieldCount: Int) {
        stamp += 1
        self.view = view
        self.payload = payload
        arena.removeAll()
        values.removeAll(keepingCapacity: true)
        hasCanonical = false
        if slots.count < fieldCount {
            slots.append(contentsOf: repeatElement(Slot(), count: fieldCount - slots.count))
        }
    }

    /// Forgets the borrowed memory.
    func end() {
        view = nil
        payload = nil
        canonical.removeAll(keepingCapacity: true)
    }

    /// What is known of a field already.
    @inline(__always)
    func resolved(_ number: Int) -> Slot? { slots[number].stamp == stamp ? slots[number] : nil }

    /// The values of a field. Slots are numbered by the program, whose access for that number is handed in.
    func resolve(_ number: Int, _ access: FieldAccess) -> Slot { resolved(number) ?? look(up: number, access) }

    private func look(up number: Int, _ access: FieldAccess) -> Slot {
        var slot = Slot(stamp: stamp, first: values.count, end: values.count, isFound: false)
        if access.isAnywhere {
            slot.isFound = true
            collectEverything()
        } else {
            if let payload {
                for path in access.paths {
                    slot.isFound = path.forEachValue(in: payload) { append($0) }
                    if slot.isFound { break }
                }
            }
            if !slot.isFound, let canonical = access.canonical { slot.isFound = append(canonical) }
        }
        slot.end = values.count
        slots[number] = slot
        return slot
    }

    // MARK: Reading values

    func kind(_ index: Int) -> Value.Kind { values[index].kind }

    /// A value's text; valid until the next call to this object.
    @inline(__always)
    func text(_ index: Int) -> UnsafeRawBufferPointer {
        let value = values[index]
        if let base = value.base { return UnsafeRawBufferPointer(start: base, count: value.count) }
        return arena.bytes(value.offset, value.count)
    }

    /// A value's text in folded case; valid until the next call to this object.
    @inline(__always)
    func folded(_ index: Int) -> UnsafeRawBufferPointer {
        if values[index].foldedOffset < 0 { fold(index) }
        return arena.bytes(values[index].foldedOffset, values[index].foldedCount)
    }

    private func fold(_ index: Int) {
        let length = values[index].count
        let offset = arena.count
        let output = arena.extend(by: length)
        // Only now: making room may have moved the arena.
        let source = text(index)
        var isASCII: UInt8 = 0
        for position in 0..<length {
            isASCII |= source[position]
            output[position] = CaseFolding.fold(source[position])
        }
        values[index].foldedOffset = offset
        values[index].foldedCount = length
        guard isASCII >= 0x80 else { return }
        var bytes: [UInt8] = []
        CaseFolding.appendFolded(source, to: &bytes)
        values[index].foldedOffset = arena.append(bytes)
        values[index].foldedCount = bytes.count
    }

    // MARK: Payload

    private func append(_ value: JSONValue) {
        switch value.kind {
        case .array: for element in value.elements { append(element) }
        case .object:
            var bytes: [UInt8] = []
            JSONText.append(value, to: &bytes)
            values.append(Value(kind: .object, base: nil, offset: arena.append(bytes), count: bytes.count))
        default: appendScalar(value)
        }
    }

    private func appendScalar(_ value: JSONValue) {
        if let string = value.string {
            values.append(Value(kind: .text, base: string.baseAddress, offset: 0, count: string.count))
            return
        }
        if value.isNull {
            values.append(Value(kind: .null, base: nil, offset: 0, count: 0))
            return
        }
        var bytes: [UInt8] = []
        value.appendScalarText(to: &bytes)
        let kind: Value.Kind = value.bool == nil ? .number : .boolean
        values.append(Value(kind: kind, base: nil, offset: arena.append(bytes), count: bytes.count))
    }

    private func collectEverything() {
        if let payload {
            collect(payload)
        } else {
            readCanonical()
            for entry in canonical { append(entry) }
        }
    }

    private func collect(_ value: JSONValue) {
        switch value.kind {
        case .array: for element in value.elements { collect(element) }
        case .object: for member in value.members { collect(member.value) }
        default: appendScalar(value)
        }
    }

    // MARK: Canonical fields

    private func readCanonical() {
        guard !hasCanonical, let view else { return }
        hasCanonical = true
        canonical.removeAll(keepingCapacity: true)
        for entry in view.entries { canonical.append(entry) }
    }

    private func append(_ access: FieldAccess.Canonical) -> Bool {
        readCanonical()
        guard hasCanonical else { return false }
        let before = values.count
        for entry in canonical {
            switch access {
            case .field(let field):
                // Entries ascend by field.
                if entry.field.rawValue > field.rawValue { return values.count > before }
                if entry.field == field { append(entry) }
            case .extensionKey(let key):
                guard entry.field == .ext, let separator = entry.value.firstIndex(of: 0),
                    entry.value.slice(0..<separator).elementsEqual(key)
                else { continue }
                let value = entry.value.slice(separator + 1..<entry.value.count)
                values.append(Value(kind: .text, base: value.baseAddress, offset: 0, count: value.count))
            }
        }
        return values.count > before
    }

    private func append(_ entry: SealedEntries.Entry) {
        guard entry.field.type == .time, let time = Timestamp(sealed: entry.value) else {
            values.append(Value(kind: .text, base: entry.value.baseAddress, offset: 0, count: entry.value.count))
            return
        }
        var bytes: [UInt8] = []
        time.appendText(to: &bytes)
        values.append(Value(kind: .text, base: nil, offset: arena.append(bytes), count: bytes.count))
    }
}
