import EventModel
import EventStore

/// Evaluates one correlation over its groups.
///
/// The window trails: at every event that a rule of the correlation matched, it is `[t − timespan, t]`, both ends inside, in
/// event time. An event that arrives late is put in its place, and the windows of later events that it falls into are judged
/// again. A condition that is met is reported once for every event at which it is met.
///
/// Memory: about 150 bytes a group and 24 for each event that it has to remember; how many those are is bounded by the
/// condition's numbers (``maximumEntries``), and all of it by ``StateLimits/operatorBytes``: then the groups that were
/// looked at longest ago go, which is counted.
final class CorrelationOperator: StatefulOperator {
    /// Numbers that a sum, a mean or a percentile is made of. Beyond it the oldest are left out, which is counted.
    static let maximumNumbers = 1_024
    /// Groups that one event may belong to, when fields of the group have several values.
    static let maximumGroupsOfEvent = 16
    /// Values that one event may add to a window.
    static let maximumValuesOfEvent = 64
    /// Leaves that one finding names as evidence; the alert's own limit is far above it.
    static let maximumEvidence = 256
    /// How long after its end a window is judged in which something did not happen: events need a while to arrive.
    static let absenceGrace: Int64 = 60_000_000_000

    let definition: CorrelationDefinition
    let span: Int64
    let lateness: Int64
    private let byteLimit: Int
    /// Entries of a group, by what the condition can tell apart.
    let maximumEntries: Int

    var groups: [ValueDigest: CorrelationGroup] = [:]
    var evictions = 0
    /// The time of receipt that has been reached.
    var now: Int64 = .min
    private(set) var stateBytes = 0
    private var saturation = Saturation()
    var isSaturated: Bool { saturation.isSaturated }
    private var nextSweep = 1_024
    private var sweptAt = Int64.min
    /// Windows that wait for their end, by it.
    var deadlines = DeadlineQueue()
    var scratch: [UInt64] = []
    var numbers: [Double] = []

    init(_ definition: CorrelationDefinition, limits: StateLimits) {
        self.definition = definition
        span = definition.span
        lateness = limits.lateness.components.seconds * 1_000_000_000
        byteLimit = limits.operatorBytes
        maximumEntries =
            switch definition.kind {
            case .eventCount: max(14, 2 * (Int(definition.condition.largestBound) + 1))
            case .valueCount: max(14, 4 * (Int(definition.condition.largestBound) + 1))
            case .temporal, .temporalOrdered: definition.waitsForAbsence ? 256 : max(14, 4 * definition.rules.count)
            case .valueSum, .valueAverage, .valuePercentile, .valueMedian: Self.maximumNumbers
            }
    }

    var entryCount: Int { groups.count }

    // MARK: Observing

    func observe(_ observation: StateObservation, into findings: inout [OperatorFinding]) {
        // The groups of an event, by input: an event that two rules matched counts once in a group that both give it to.
        var places: [ValueDigest: (values: [String], inputs: [Int])] = [:]
        var order: [ValueDigest] = []
        for input in observation.inputs {
            for (folded, values) in groupValues(observation, input) {
                let key = ValueDigest(folded)
                if places[key] == nil { order.append(key) }
                places[key, default: (values, [])].inputs.append(input)
            }
        }
        for key in order {
            guard let place = places[key] else { continue }
            add(observation, key, place.values, inputs: place.inputs, into: &findings)
        }
        let isSweepDue = saturation.isSaturated && now > sweptAt.advanced(saturating: span)
        if stateBytes > byteLimit { evict() } else if groups.count >= nextSweep || isSweepDue { sweep() }
        saturation.holds(stateBytes, of: byteLimit)
    }

    /// The combinations of the group fields' values; none when a field is missing.
    private func groupValues(
        _ observation: StateObservation, _ input: Int
    ) -> [(folded: [[UInt8]], values: [String])] {
        var combinations: [(folded: [[UInt8]], values: [String])] = [([], [])]
        for field in definition.groupBy.indices {
            var values: [(folded: [UInt8], text: String)] = []
            var texts: [String] = []
            observation.forEachValue(of: field, input: input, folded: false) { value in
                texts.append(String(decoding: value.prefix(StateObservation.maximumTextBytes), as: UTF8.self))
            }
            var position = 0
            observation.forEachValue(of: field, input: input) { folded in
                let bytes = Array(folded)
                if !values.contains(where: { $0.folded == bytes }) { values.append((bytes, texts[position])) }
                position += 1
            }
            var next: [(folded: [[UInt8]], values: [String])] = []
            for combination in combinations {
                for value in values where next.count < Self.maximumGroupsOfEvent {
                    next.append((combination.folded + [value.folded], combination.values + [value.text]))
                }
            }
            combinations = next
        }
        return combinations
    }

    private func add(
        _ observation: StateObservation, _ key: ValueDigest, _ values: [String], inputs: [Int],
        into findings: inout [OperatorFinding]
    ) {
        let time = observation.time.rawValue
        var group = groups.removeValue(forKey: key) ?? CorrelationGroup()
        let bytesBefore = group.touched == 0 && group.entries.isEmpty ? 0 : group.bytes
        defer {
            stateBytes += group.bytes - bytesBefore
            groups[key] = group
        }
        if definition.waitsForAbsence { group.names = values }
        group.touched = max(group.touched, now, 1)
        let isLate = group.entries.last.map { $0.time > time } ?? false
        if let last = group.entries.last, time < last.time - span - lateness {
            // Too far behind to be judged together with what is kept.
            evictions += 1
            return
        }
        var firstPlace = Int.max
        for entry in entries(observation, inputs) {
            var entry = entry
            if definition.waitsForAbsence, !entry.isEvidenceOnly {
                entry.isOpen = true
                deadlines.insert(
                    DeadlineQueue.Deadline(time: time.addingReportingOverflow(span).partialValue, key: key))
            }
            firstPlace = min(firstPlace, group.insert(entry))
        }
        guard firstPlace < group.entries.count else { return }
        if !definition.waitsForAbsence {
            judge(&group, from: firstPlace, observation, values, isLate: isLate, into: &findings)
        }
        prune(&group)
    }

    /// What an event adds to a group: one entry for each value or rule.
    private func entries(_ observation: StateObservation, _ inputs: [Int]) -> [CorrelationEntry] {
        let (time, leaf) = (observation.time.rawValue, observation.index)
        var entries = observation.evidence.filter { $0 != leaf }.prefix(Self.maximumValuesOfEvent).map {
            CorrelationEntry(time: time, leaf: $0, input: CorrelationEntry.evidenceInput, value: nil)
        }
        guard definition.kind.needsField else {
            // Of one event that two rules matched, a count takes one; an expression over rules needs both.
            let counted = definition.kind.isTemporal ? inputs : [inputs[0]]
            for input in counted { entries.append(CorrelationEntry(time: time, leaf: leaf, input: input, value: nil)) }
            return entries
        }
        let values = Set(inputs.flatMap { self.values(observation, $0) }).sorted().prefix(Self.maximumValuesOfEvent)
        if definition.kind == .valueCount {
            for value in values {
                entries.append(CorrelationEntry(time: time, leaf: leaf, input: inputs[0], value: value))
            }
        } else if let input = inputs.first(where: { !self.values(observation, $0).isEmpty }) {
            for value in self.values(observation, input).prefix(Self.maximumValuesOfEvent) {
                entries.append(CorrelationEntry(time: time, leaf: leaf, input: input, value: value))
            }
        }
        // An event without a value still ends a window.
        if values.isEmpty { entries.append(CorrelationEntry(time: time, leaf: leaf, input: inputs[0], value: nil)) }
        return entries
    }

    /// Digests of the values that are counted, or the bits of numbers.
    private func values(_ observation: StateObservation, _ input: Int) -> [UInt64] {
        let first = definition.groupBy.count
        var result: [UInt64] = []
        if definition.kind != .valueCount {
            observation.forEachValue(of: first, input: input, folded: false) { value in
                if let number = RuleNumber(eventText: value) { result.append(number.double.bitPattern) }
            }
            return result
        }
        guard definition.valueFields.count > 1 else {
            observation.forEachValue(of: first, input: input) { result.append(ValueDigest([Array($0)]).high) }
            return result
        }
        let parts = definition.valueFields.indices.compactMap { observation.firstFolded(of: first + $0, input: input) }
        return parts.count == definition.valueFields.count ? [ValueDigest(parts).high] : []
    }

    // MARK: Forgetting

    /// Takes out what no window needs any more.
    private func prune(_ group: inout CorrelationGroup) {
        guard let last = group.entries.last else { return }
        let keptFrom =
            definition.waitsForAbsence ? now.subtractingReportingOverflow(Self.absenceGrace).partialValue : last.time
        let horizon = min(last.time, keptFrom == .min ? last.time : keptFrom)
            .subtractingReportingOverflow(span + lateness).partialValue
        let old = group.place(of: horizon)
        if old > 0 { group.entries.removeFirst(old) }
        while group.entries.count > maximumEntries { forgetOne(&group) }
    }

    /// Forgets the entry that decides least: one whose value or rule comes again later, else the oldest.
    private func forgetOne(_ group: inout CorrelationGroup) {
        switch definition.kind {
        case .eventCount: group.entries.removeFirst()
        case .valueCount: group.entries.remove(at: repeated(group) { $0.value } ?? 0)
        case .temporal, .temporalOrdered:
            let forgotten = group.entries.remove(at: repeated(group) { UInt64($0.input) } ?? 0)
            if forgotten.isOpen { evictions += 1 }
        case .valueSum, .valueAverage, .valuePercentile, .valueMedian:
            group.entries.removeFirst()
            evictions += 1
        }
    }

    private func repeated(_ group: CorrelationGroup, _ key: (CorrelationEntry) -> UInt64) -> Int? {
        var seen: Set<UInt64> = []
        var oldest: Int?
        for (place, entry) in group.entries.enumerated().reversed() where !seen.insert(key(entry)).inserted {
            oldest = place
        }
        return oldest
    }

    /// Takes out groups whose last event is so old that no other can join it.
    private func sweep() {
        let horizon = now.subtractingReportingOverflow(2 * (span + lateness)).partialValue
        remove(groups.filter { $0.value.touched < horizon }.map(\.key))
        nextSweep = max(1_024, groups.count * 2)
        sweptAt = now
    }

    /// Takes out the sixteenth of the groups that were looked at longest ago.
    private func evict() {
        sweep()
        guard stateBytes > byteLimit else { return }
        let oldest = groups.sorted {
            ($0.value.touched, $0.value.entries.last?.time ?? 0, $0.key) < (
                $1.value.touched, $1.value.entries.last?.time ?? 0, $1.key
            )
        }
        .prefix(max(1, groups.count / 16)).map(\.key)
        evictions += oldest.count
        saturation.gaveUp()
        remove(oldest)
    }

    private func remove(_ keys: [ValueDigest]) {
        for key in keys { if let group = groups.removeValue(forKey: key) { stateBytes -= group.bytes } }
    }

    /// Names of groups are the values of their latest event.
    func forgetValues(of leaves: LeafRanges) {
        for (key, group) in groups where !group.names.isEmpty {
            guard group.entries.contains(where: { leaves.contains($0.leaf.rawValue) }) else { continue }
            groups[key]?.names = group.names.map { _ in DestroyedValue.text }
        }
        recount()
    }

    /// After a restore.
    func recount() { stateBytes = groups.values.reduce(0) { $0 + $1.bytes } }
}
