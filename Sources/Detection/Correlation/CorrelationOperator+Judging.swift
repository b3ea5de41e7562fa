import EventModel

extension CorrelationOperator {
    /// Judges the windows that end at the entries from a place on, as far as the entry there falls into them.
    func judge(
        _ group: inout CorrelationGroup, from place: Int, _ observation: StateObservation, _ values: [String],
        isLate: Bool,
        into findings: inout [OperatorFinding]
    ) {
        let start = group.entries[place].time
        var position = place
        while position < group.entries.count,
            group.entries[position].time.subtractingReportingOverflow(span).partialValue <= start
        {
            let time = group.entries[position].time
            let end = group.place(of: time, after: true)
            defer { position = end }
            let first = group.place(of: time.subtractingReportingOverflow(span).partialValue)
            // At the arriving event itself the window may have been met by an earlier one of the same time.
            let isKnown = time != start && group.entries[position..<end].contains(where: \.isMet)
            guard !isKnown, let reason = reason(group.entries[first..<end]) else { continue }
            for member in position..<end { group.entries[member].isMet = true }
            findings.append(
                OperatorFinding(
                    index: observation.index, time: Timestamp(rawValue: time), group: named(values),
                    evidence: takeEvidence(&group, first..<end), explanation: [reason],
                    entity: values.isEmpty ? observation.entity : nil, isLate: isLate))
        }
    }

    func named(_ values: [String]) -> [(name: String, value: String)] {
        zip(definition.groupBy, values).map { (name: $0, value: $1) }
    }

    /// The leaves of a window that no finding has named yet.
    func takeEvidence(_ group: inout CorrelationGroup, _ range: Range<Int>) -> [LeafIndex] {
        var leaves: Set<LeafIndex> = []
        // The newest first: they are what the finding is about.
        for place in range.reversed() where !group.entries[place].isNamed && leaves.count < Self.maximumEvidence {
            group.entries[place].isNamed = true
            leaves.insert(group.entries[place].leaf)
        }
        return leaves.sorted()
    }

    // MARK: Conditions

    /// Why a window meets the condition, in words without values of events; nil when it does not.
    private func reason(_ window: ArraySlice<CorrelationEntry>) -> String? {
        let within = "within \(definition.timespanText)"
        switch definition.condition {
        case .inputs(let condition):
            let present = self.present(window)
            let holds =
                definition.kind == .temporal
                ? condition.holds(present) : isOrdered(window, condition, present: present)
            return holds ? "\(condition.text) \(within)" : nil
        case .metric:
            guard let metric = metric(window), definition.condition.holds(metric: metric) else { return nil }
            // Of counts no more is kept than the condition needs.
            let isFull = window.count >= maximumEntries
            return
                "\(definition.kind.rawValue) \(isFull ? "≥ " : "")\(RuleNumber(metric).text) \(within) (\(definition.condition.text))"
        }
    }

    /// The window's number; nil when it has none, as the mean of nothing.
    private func metric(_ window: ArraySlice<CorrelationEntry>) -> Double? {
        switch definition.kind {
        case .eventCount:
            // One entry for each event, and those that are evidence only.
            return Double(window.count { !$0.isEvidenceOnly })
        case .valueCount:
            scratch.removeAll(keepingCapacity: true)
            for entry in window where entry.hasValue { scratch.append(entry.value) }
            scratch.sort()
            var count = scratch.isEmpty ? 0 : 1
            for place in scratch.indices.dropFirst() where scratch[place] != scratch[place - 1] { count += 1 }
            return Double(count)
        case .temporal: return Double(present(window).nonzeroBitCount)
        case .temporalOrdered: return Double(longestChain(window))
        case .valueSum, .valueAverage, .valuePercentile, .valueMedian: return numeric(window)
        }
    }

    private func numeric(_ window: ArraySlice<CorrelationEntry>) -> Double? {
        numbers.removeAll(keepingCapacity: true)
        for entry in window where entry.hasValue { numbers.append(entry.number) }
        guard !numbers.isEmpty else { return nil }
        switch definition.kind {
        case .valueSum: return numbers.reduce(0, +)
        case .valueAverage: return numbers.reduce(0, +) / Double(numbers.count)
        default:
            // Between two values the percentile lies on the line through them (as SQL's percentile_cont).
            numbers.sort()
            let share = definition.kind == .valueMedian ? 0.5 : definition.percentile / 100
            let position = share * Double(numbers.count - 1)
            let lower = Int(position.rounded(.down))
            let upper = min(lower + 1, numbers.count - 1)
            return numbers[lower] + (numbers[upper] - numbers[lower]) * (position - Double(lower))
        }
    }

    /// One bit for each input that the window has a match of.
    func present(_ window: ArraySlice<CorrelationEntry>) -> UInt64 {
        window.reduce(0) { $1.isEvidenceOnly ? $0 : $0 | 1 << UInt64($1.input) }
    }

    /// The most rules that occur in the order in which the correlation lists them, at strictly increasing times.
    private func longestChain(_ window: ArraySlice<CorrelationEntry>) -> Int {
        // By input and length: the earliest end of a chain of that length whose last member is that input.
        let count = definition.rules.count
        var lengths = [[Int64]](repeating: [], count: count)
        for entry in window where !entry.isEvidenceOnly {
            var best = 1
            for earlier in 0..<entry.input {
                for (length, end) in lengths[earlier].enumerated().reversed() where end < entry.time {
                    best = max(best, length + 2)
                    break
                }
            }
            // The earliest end of every length up to the best is kept.
            while lengths[entry.input].count < best { lengths[entry.input].append(entry.time) }
        }
        return lengths.map(\.count).max() ?? 0
    }

    /// Whether rules that meet the condition occur in the correlation's order, at strictly increasing times.
    private func isOrdered(
        _ window: ArraySlice<CorrelationEntry>, _ condition: InputCondition, present: UInt64
    ) -> Bool {
        // Every set of rules that are there; the greedy chain of a set ends as early as any.
        var set = present
        while set > 0 {
            if condition.holds(set), hasChain(window, of: set) { return true }
            set = (set - 1) & present
        }
        return false
    }

    private func hasChain(_ window: ArraySlice<CorrelationEntry>, of set: UInt64) -> Bool {
        var rest = set
        var last = Int64.min
        for entry in window where !entry.isEvidenceOnly {
            guard rest != 0, entry.input == rest.trailingZeroBitCount, entry.time > last else { continue }
            last = entry.time
            rest &= rest - 1
        }
        return rest == 0
    }

    // MARK: Absence

    /// Judges the windows whose end has come, in which something must not have happened.
    func advance(to time: Timestamp, next: LeafIndex, into findings: inout [OperatorFinding]) {
        now = max(now, time.rawValue)
        guard case .inputs(let condition) = definition.condition else { return }
        let due = now.subtractingReportingOverflow(Self.absenceGrace).partialValue
        while let deadline = deadlines.first, deadline.time <= due {
            _ = deadlines.removeFirst()
            guard var group = groups[deadline.key] else { continue }
            let start = deadline.time.subtractingReportingOverflow(span).partialValue
            for place in group.place(of: start)..<group.place(of: start, after: true) where group.entries[place].isOpen
            {
                group.entries[place].isOpen = false
                let end = group.place(of: deadline.time, after: true)
                let following = present(group.entries[group.place(of: start, after: true)..<end])
                guard condition.holds(following | 1 << UInt64(group.entries[place].input)) else { continue }
                // Named by its own leaf alone: what did not happen has none.
                group.entries[place].isNamed = true
                findings.append(
                    OperatorFinding(
                        index: next, time: Timestamp(rawValue: deadline.time), group: named(group.names),
                        evidence: [group.entries[place].leaf],
                        explanation: ["\(condition.text) within \(definition.timespanText)"]))
            }
            groups[deadline.key] = group
        }
    }
}
