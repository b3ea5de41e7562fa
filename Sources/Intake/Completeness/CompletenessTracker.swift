package import EventModel

/// Follows all sources through the ledger's order and finds what is missing.
///
/// What it finds in events depends on their order alone; silence depends on the moments that it is told. Meant for one thread.
package struct CompletenessTracker {
    /// What is expected of a source, and since when.
    package struct Expected: Hashable, Sendable {
        package var expectations: SourceExpectations
        package var since: Timestamp

        package init(_ expectations: SourceExpectations, since: Timestamp) {
            self.expectations = expectations
            self.since = since
        }
    }

    private struct Slot {
        let name: String
        var figures: SourceTally
        var expected: Expected?
        var isChanged = false

        /// The last sign of life, or the moment from which one is expected.
        var awaitedSince: Timestamp? {
            guard let expected else { return nil }
            return Timestamp(
                rawValue: max(expected.since.rawValue, figures.last ?? .min, figures.awaited ?? .min))
        }
    }

    private let ownSource: [UInt8]
    private var slots: [Slot] = []
    private var numbers: [String: Int] = [:]
    /// Events come in runs of one source, so that most names need no look-up.
    private var lastName: [UInt8] = []
    private var lastSlot = 0
    private var expecting: [Int] = []
    private let parser = JSONParser()
    private var findings: [CompletenessFinding] = []
    /// The latest receipt that was seen.
    package private(set) var time = Timestamp(rawValue: .min)

    /// - Parameters:
    ///   - figures: What was known before.
    ///   - ownSource: The source of Custody's own events, of which nothing is expected.
    package init(figures: [String: SourceTally], ownSource: String) {
        self.ownSource = Array(ownSource.utf8)
        for (name, known) in figures.sorted(by: { $0.key < $1.key }) { _ = slot(named: name, figures: known) }
    }

    package var hasFindings: Bool { !findings.isEmpty }

    /// What was found since the last call.
    package mutating func takeFindings() -> [CompletenessFinding] {
        defer { findings = [] }
        return findings
    }

    /// The sources whose figures changed since the last call.
    package mutating func takeChanged() -> [(name: String, figures: SourceTally)] {
        var changed: [(name: String, figures: SourceTally)] = []
        for position in slots.indices where slots[position].isChanged {
            slots[position].isChanged = false
            changed.append((slots[position].name, slots[position].figures))
        }
        return changed
    }

    /// Replaces what is expected. A source of which nothing is expected any more is not quiet, and its sequences are forgotten.
    package mutating func expect(_ expected: [String: Expected]) {
        for position in expecting where expected[slots[position].name] == nil {
            slots[position].expected = nil
            forget(position)
        }
        for (name, wanted) in expected {
            let position = slot(named: name, figures: SourceTally())
            guard slots[position].expected != wanted else { continue }
            let isOtherSequence =
                slots[position].expected.map { $0.expectations.sequence != wanted.expectations.sequence } ?? false
            slots[position].expected = wanted
            if isOtherSequence { forget(position) }
        }
        expecting = slots.indices.filter { slots[$0].expected != nil }
    }

    /// Forgets the sequences: between what was seen and what comes, events were passed over.
    package mutating func forgetSequences() {
        for position in slots.indices where !slots[position].figures.sequences.isEmpty {
            slots[position].figures.sequences = [:]
            slots[position].isChanged = true
        }
    }

    private mutating func forget(_ position: Int) {
        slots[position].figures.quiet = nil
        slots[position].figures.sequences = [:]
        slots[position].isChanged = true
    }

    /// Silence while nobody could have been heard does not count.
    package mutating func wasDown(from: Timestamp, to: Timestamp) {
        let nanoseconds = max(0, to.rawValue &- from.rawValue)
        for position in expecting {
            guard let awaited = slots[position].awaitedSince, awaited <= from else { continue }
            slots[position].figures.awaited = min(awaited.advanced(byNanoseconds: nanoseconds), to).rawValue
            slots[position].isChanged = true
        }
    }

    // MARK: Events

    /// Takes the next event of the ledger.
    /// - Complexity: a look at its first fields; a source with a sequence in its payload costs a parse of that.
    package mutating func note(_ view: SealedView) {
        guard view.kind == 0 else { return }
        var happened: Timestamp?
        var received = Timestamp(rawValue: 0)
        var source: Int?
        loop: for entry in view.entries {
            switch entry.field {
            case .time: happened = Timestamp(sealed: entry.value)
            case .received: received = Timestamp(sealed: entry.value) ?? received
            case .sourceName:
                source = slot(of: entry.value)
                break loop
            default: continue
            }
        }
        guard let source else { return }
        time = max(time, received)
        note(happened ?? received, received, of: source)
        if let sequence = slots[source].expected?.expectations.sequence { note(view, sequence, received, source) }
    }

    private mutating func note(_ happened: Timestamp, _ received: Timestamp, of source: Int) {
        slots[source].isChanged = true
        slots[source].figures.events += 1
        if slots[source].figures.first == nil { slots[source].figures.first = received.rawValue }
        slots[source].figures.last = max(slots[source].figures.last ?? .min, received.rawValue)
        switch EventClock(time: happened, received: received) {
        case .agrees: break
        case .late: slots[source].figures.late += 1
        case .ahead: slots[source].figures.ahead += 1
        }
        if let since = slots[source].figures.quiet {
            slots[source].figures.quiet = nil
            find(.resumed(quietSince: since), source, received)
        }
    }

    private mutating func note(
        _ view: SealedView, _ sequence: SourceExpectations.Sequence, _ received: Timestamp, _ source: Int
    ) {
        guard let (number, partition) = Self.place(of: view, in: sequence, parser) else {
            slots[source].figures.unnumbered += 1
            return
        }
        slots[source].figures.makeRoom(for: partition)
        guard let found = slots[source].figures.sequences[partition]?.note(number, at: received) else {
            slots[source].figures.sequences[partition] = SequenceTracker(first: number, at: received)
            return
        }
        tell(found, partition, source, received)
    }

    /// The number and the partition of an event; nil when it has no number.
    private static func place(
        of view: SealedView, in sequence: SourceExpectations.Sequence, _ parser: JSONParser
    ) -> (number: Int64, partition: String)? {
        func place(_ payload: JSONValue?) -> (Int64, String)? {
            guard let number = sequence.field.value(in: view, payload: payload).flatMap({ Int64($0) }) else {
                return nil
            }
            return (number, sequence.partition?.value(in: view, payload: payload) ?? "")
        }
        guard sequence.field.needsPayload || sequence.partition?.needsPayload == true else { return place(nil) }
        guard let payload = view.payload else { return nil }
        return (try? parser.withDocument(payload) { place($0) }) ?? nil
    }

    private mutating func tell(
        _ found: [SequenceTracker.Finding], _ partition: String, _ source: Int, _ moment: Timestamp
    ) {
        for finding in found {
            switch finding {
            case .gap(let first, let last):
                slots[source].figures.gaps += 1
                slots[source].figures.missing &+= UInt64(bitPattern: last &- first) &+ 1
                find(.gap(partition: partition, first: first, last: last), source, moment)
            case .filled(let first, let last):
                find(.filled(partition: partition, first: first, last: last), source, moment)
            case .restarted(let last, let at):
                slots[source].figures.gaps += 1
                find(.restarted(partition: partition, last: last, at: at), source, moment)
            }
        }
    }

    private mutating func find(_ kind: CompletenessFinding.Kind, _ source: Int, _ moment: Timestamp) {
        slots[source].isChanged = true
        findings.append(CompletenessFinding(source: slots[source].name, kind: kind, time: moment))
    }

    // MARK: Time

    /// Tells that it is so late: holes whose grace is over become gaps, sources that sent nothing are quiet.
    /// - Complexity: linear in the sources of which something is expected, and their holes.
    package mutating func advance(to moment: Timestamp) {
        for source in expecting {
            guard let expectations = slots[source].expected?.expectations else { continue }
            if let sequence = expectations.sequence {
                for partition in slots[source].figures.sequences.filter({ $0.value.hasUntold }).keys.sorted() {
                    let found =
                        slots[source].figures.sequences[partition]?
                        .overdue(at: moment, graceSeconds: sequence.graceSeconds) ?? []
                    tell(found, partition, source, moment)
                }
            }
            if let every = expectations.everySeconds, !slots[source].figures.isQuiet,
                let awaited = slots[source].awaitedSince, expectations.isQuiet(since: awaited, at: moment)
            {
                slots[source].figures.quiet = moment.rawValue
                find(.quiet(last: slots[source].figures.last, everySeconds: every), source, moment)
            }
        }
    }

    // MARK: Names

    private mutating func slot(of name: UnsafeRawBufferPointer) -> Int? {
        if lastName.withUnsafeBytes({ name.hasSameBytes(as: $0) }), !slots.isEmpty { return lastSlot }
        if ownSource.withUnsafeBytes({ name.hasSameBytes(as: $0) }) { return nil }
        lastSlot = slot(named: name.text, figures: SourceTally())
        lastName = Array(name)
        return lastSlot
    }

    private mutating func slot(named name: String, figures: SourceTally) -> Int {
        if let known = numbers[name] { return known }
        slots.append(Slot(name: name, figures: figures))
        numbers[name] = slots.count - 1
        return slots.count - 1
    }
}
