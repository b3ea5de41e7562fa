import EventModel

/// The values of one event's fields.
///
/// ``begin(_:view:payload:)`` finds all fields of a program in one walk over the payload and one over the canonical entries;
/// texts are made of them when somebody asks. It borrows the payload and the sealed form until ``end()``, and is used by one
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

    private(set) var stamp: UInt64 = 0
    let found = GrowingArray<FoundField>(capacity: 64, filling: FoundField())
    let touched = GrowingArray<Int32>(capacity: 64, filling: 0)
    private(set) var touchedCount = 0
    let hits = GrowingArray<PayloadHit>(capacity: 256, filling: .none)
    let canonicalHits = GrowingArray<CanonicalHit>(capacity: 64, filling: .none)
    private var hitCount = 0
    private var canonicalCount = 0

    private let arena = ByteArena()
    private var values: [Value] = []
    private var slots: [Slot] = []
    private(set) var view: SealedView?
    private(set) var payload: JSONValue?
    private var program: RuleProgram?

    func begin(_ program: RuleProgram, view: SealedView?, payload: JSONValue?) {
        stamp += 1
        self.view = view
        self.payload = payload
        self.program = program
        let count = program.fields.count
        found.reserve(count, filling: FoundField())
        touched.reserve(count, filling: 0)
        var walk = PayloadWalk(
            program.automaton, stamp: stamp, found: found.base, touched: touched.base, hits: hits)
        if let payload {
            if !program.automaton.isEmpty { walk.visit(payload, 0) }
            if program.elementField >= 0 { walk.record(payload, field: program.elementField, rank: 0, mask: 0) }
            for field in program.longFields {
                for path in program.fields[Int(field)].paths
                where path.forEachValue(in: payload, { walk.record($0, field: Int(field), rank: 0, mask: 0) }) {
                    break
                }
            }
        }
        touchedCount = walk.touchedCount
        hitCount = walk.hitCount
        if let view, program.canonical.isUsed { walkCanonical(program.canonical, view) }
    }

    /// Forgets the borrowed memory.
    func end() {
        view = nil
        payload = nil
        program = nil
        if !values.isEmpty { values.removeAll(keepingCapacity: true) }
        arena.removeAll()
    }

    private func walkCanonical(_ wanted: CanonicalFields, _ view: SealedView) {
        var count = 0
        for entry in view.entries {
            wanted.forEachField(entry) { field, value in
                let known = found.base[field]
                guard known.stamp != stamp || known.isCanonical else { return }
                canonicalHits.reserve(count + 1, filling: .none)
                canonicalHits.base[count] = CanonicalHit(
                    start: value.baseAddress, count: value.count, isTime: entry.field.type == .time, next: -1)
                if known.stamp == stamp {
                    canonicalHits.base[Int(known.tail)].next = Int32(count)
                    found.base[field].tail = Int32(count)
                } else {
                    found.base[field] = FoundField(
                        stamp: stamp, head: Int32(count), tail: Int32(count), isCanonical: true)
                    touched.base[touchedCount] = Int32(field)
                    touchedCount += 1
                }
                count += 1
            }
        }
        canonicalCount = count
    }

    /// Looks a field up again whose name the payload has in several splits: the one with the longer keys in front wins.
    func resolveAmbiguity(of field: Int) {
        guard let program, let payload, found.base[field].isAmbiguous else { return }
        // A walk without an automaton's edges, which only records; its chain goes on where the others end.
        var chain: [JSONValue] = []
        for path in program.fields[field].paths where path.forEachValue(in: payload, { chain.append($0) }) { break }
        var last: Int32 = -1
        for value in chain {
            hits.reserve(hitCount + 1, filling: .none)
            hits.base[hitCount] = PayloadHit(value, next: -1)
            if last < 0 {
                found.base[field].head = Int32(hitCount)
            } else {
                hits.base[Int(last)].next = Int32(hitCount)
            }
            last = Int32(hitCount)
            hitCount += 1
        }
        found.base[field].tail = last
        found.base[field].isAmbiguous = false
    }

    // MARK: Slots

    /// The values of a field, as texts.
    func resolve(_ number: Int) -> Slot {
        if slots.count <= number {
            slots.append(contentsOf: repeatElement(Slot(), count: number + 1 - slots.count))
        }
        if slots[number].stamp == stamp { return slots[number] }
        var slot = Slot(stamp: stamp, first: values.count, end: values.count, isFound: false)
        if found.base[number].stamp == stamp {
            slot.isFound = true
            if found.base[number].isAmbiguous { resolveAmbiguity(of: number) }
            var next = found.base[number].head
            while next >= 0 {
                if found.base[number].isCanonical {
                    append(canonicalHits.base[Int(next)])
                    next = canonicalHits.base[Int(next)].next
                } else {
                    append(hits.base[Int(next)].value)
                    next = hits.base[Int(next)].next
                }
            }
        }
        slot.end = values.count
        slots[number] = slot
        return slot
    }

    /// The elements of the arrays that a field holds; a value that is no array is its own element.
    func elements(of field: Int) -> [JSONValue] {
        guard found.base[field].stamp == stamp, !found.base[field].isCanonical else { return [] }
        resolveAmbiguity(of: field)
        var elements: [JSONValue] = []
        func add(_ value: JSONValue) {
            guard elements.count < ElementTest.maximumElements else { return }
            if value.kind == .array { for element in value.elements { add(element) } } else { elements.append(value) }
        }
        var next = found.base[field].head
        while next >= 0 {
            add(hits.base[Int(next)].value)
            next = hits.base[Int(next)].next
        }
        return elements
    }

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
        let value = values[index]
        if let base = value.base {
            // Nearly all text is ASCII, which is as long when it is folded.
            let offset = arena.count
            let room = arena.extend(by: value.count)
            if CaseFolding.foldASCII(UnsafeRawBufferPointer(start: base, count: value.count), to: room) {
                values[index].foldedOffset = offset
                values[index].foldedCount = value.count
                return
            }
        }
        var bytes: [UInt8] = []
        CaseFolding.appendFolded(text(index), to: &bytes)
        values[index].foldedOffset = arena.append(bytes)
        values[index].foldedCount = bytes.count
    }

    private func append(_ value: JSONValue) {
        switch value.kind {
        case .array: for element in value.elements { append(element) }
        case .object:
            var bytes: [UInt8] = []
            JSONText.append(value, to: &bytes)
            values.append(Value(kind: .object, base: nil, offset: arena.append(bytes), count: bytes.count))
        case .null: values.append(Value(kind: .null, base: nil, offset: 0, count: 0))
        case .string:
            guard let string = value.string else { return }
            values.append(Value(kind: .text, base: string.baseAddress, offset: 0, count: string.count))
        default:
            var bytes: [UInt8] = []
            value.appendScalarText(to: &bytes)
            let kind: Value.Kind = value.bool == nil ? .number : .boolean
            values.append(Value(kind: kind, base: nil, offset: arena.append(bytes), count: bytes.count))
        }
    }

    private func append(_ hit: CanonicalHit) {
        guard hit.isTime, let time = Timestamp(sealed: hit.bytes) else {
            values.append(Value(kind: .text, base: hit.start, offset: 0, count: hit.count))
            return
        }
        var bytes: [UInt8] = []
        time.appendText(to: &bytes)
        values.append(Value(kind: .text, base: nil, offset: arena.append(bytes), count: bytes.count))
    }
}

/// Which fields of a program are canonical fields, by the number of the entry.
struct CanonicalFields: Sendable {
    /// The program's fields by canonical field, those of field `n` from the `n`th start to the next.
    private let fields: FlatArray<Int32>
    private let starts: FlatArray<Int32>
    private let extensions: [(key: [UInt8], field: Int32)]
    let isUsed: Bool

    init(_ accesses: [FieldAccess]) {
        var byField: [[Int32]] = Array(repeating: [], count: Int(UInt8.max) + 1)
        var extensions: [(key: [UInt8], field: Int32)] = []
        for (number, access) in accesses.enumerated() {
            switch access.canonical {
            case .field(let field): byField[Int(field.rawValue)].append(Int32(number))
            case .extensionKey(let key): extensions.append((key, Int32(number)))
            case nil: continue
            }
        }
        self.extensions = extensions
        fields = FlatArray(byField.flatMap { $0 })
        starts = FlatArray(byField.reduce(into: [Int32(0)]) { $0.append($0[$0.count - 1] + Int32($1.count)) })
        isUsed = accesses.contains { $0.canonical != nil }
    }

    /// Hands the program's fields that an entry belongs to, with the value, to `body`.
    @inline(__always)
    func forEachField(_ entry: SealedEntries.Entry, _ body: (Int, UnsafeRawBufferPointer) -> Void) {
        let number = Int(entry.field.rawValue)
        for place in starts[number]..<starts[number + 1] { body(Int(fields[Int(place)]), entry.value) }
        guard entry.field == .ext, !extensions.isEmpty, let separator = entry.value.firstIndex(of: 0) else { return }
        for (key, field) in extensions where entry.value.slice(0..<separator).elementsEqual(key) {
            body(Int(field), entry.value.slice(separator + 1..<entry.value.count))
        }
    }
}
