import EventModel
import EventStore

/// The operators of one rule set at work: it collects what an event matched, runs the operators that it concerns in the
/// plan's order, and hands findings on along chains.
///
/// Used by one task at a time.
final class OperatorHost {
    /// A finding of an operator and the rule that it belongs to.
    struct Raised {
        let rule: Int
        let finding: OperatorFinding
    }

    /// What every observation of one event shares.
    struct Event {
        let index: LeafIndex
        let time: Timestamp
        let entity: String
        let values: EventValues
    }

    /// What an operator found, on its way to another.
    private struct HandedOn {
        let input: Int
        let values: [[UInt8]?]
        let finding: OperatorFinding
    }

    let plan: OperatorPlan
    private var operators: [any StatefulOperator]
    private let matched: MatchedInputs
    /// By operator: what others found for it.
    private var handedOn: [[HandedOn]]
    private var pending = PlaceSet()
    private var now = Timestamp(rawValue: .min)
    private var findings: [OperatorFinding] = []

    /// - Parameter earlier: The host that this one replaces: operators whose definition did not change go on with their state.
    init(_ plan: OperatorPlan, rules: [SigmaRule], limits: StateLimits, continuing earlier: OperatorHost? = nil) {
        self.plan = plan
        var kept: [String: any StatefulOperator] = [:]
        if let earlier {
            for (place, member) in earlier.plan.operators.enumerated() {
                kept[earlier.keys[place] + "\n" + member.version] = earlier.operators[place]
            }
            now = earlier.now
        }
        keys = plan.operators.map { rules[$0.rule].key }
        severities = plan.operators.map { rules[$0.rule].severity }
        operators = zip(plan.operators, keys).map { member, key in
            kept[key + "\n" + member.version] ?? member.definition.makeOperator(limits: limits)
        }
        matched = MatchedInputs(inputCounts: plan.operators.map(\.definition.inputs.count))
        handedOn = Array(repeating: [], count: operators.count)
        pending.reserve(operators.count)
    }

    /// The operators' rule keys and severities.
    private let keys: [String]
    private let severities: [Severity]

    var isEmpty: Bool { operators.isEmpty }

    /// Groups, bytes and evictions of all operators.
    var usage: StateUsage {
        operators.reduce(into: StateUsage()) { usage, member in
            usage.entries += member.entryCount
            usage.bytes += member.stateBytes
            usage.evictions += member.evictions
            usage.saturated += member.isSaturated ? 1 : 0
        }
    }

    /// The same by rule.
    var usageByRule: [String: StateUsage] {
        var usages: [String: StateUsage] = [:]
        for (key, member) in zip(keys, operators) {
            usages[key] = StateUsage(
                entries: member.entryCount, bytes: member.stateBytes, evictions: member.evictions,
                saturated: member.isSaturated ? 1 : 0)
        }
        return usages
    }

    /// Notes that the event at hand matched an input.
    func note(_ consumer: RuleProgram.Consumer, of program: RuleProgram, _ values: EventValues) {
        let place = Int(consumer.place)
        pending.insert(place)
        matched.note(
            place, Int(consumer.input), fields: Int(consumer.firstField)..<Int(consumer.endField), of: program, values)
    }

    /// Tells operators how late it is, at most once for every second of it: the whole seconds count.
    func advance(to time: Timestamp, next: LeafIndex, _ raise: (Raised) -> Void) {
        let second = Timestamp(seconds: time.seconds)
        guard second > now, !operators.isEmpty else { return }
        now = second
        for place in operators.indices {
            operators[place].advance(to: second, next: next, into: &findings)
            if !findings.isEmpty { handOver(from: place, raise) }
        }
        // What timers found may feed others at once.
        if !pending.isEmpty {
            run(Event(index: next, time: second, entity: "", values: EventValues()), raised: nil, raise)
        }
    }

    /// Runs the operators that something was noted for.
    func run(_ event: Event, raised: Severity?, _ raise: (Raised) -> Void) {
        var raised = raised
        // What one finds may be for others, which come after it.
        while let place = pending.removeFirst() {
            let inputs = matched.take(place)
            if !inputs.isEmpty {
                operators[place].observe(
                    StateObservation(
                        index: event.index, time: event.time, inputs: inputs, raised: raised, evidence: [],
                        entity: event.entity, values: .event(event.values, matched, operator: place)),
                    into: &findings)
            }
            if !handedOn[place].isEmpty { observeFindings(place, event, raised: raised) }
            guard !findings.isEmpty else { continue }
            handOver(from: place) { item in
                if !item.finding.isLearning { raised = max(raised ?? .informational, severities[place]) }
                raise(item)
            }
        }
        matched.end()
    }

    private func observeFindings(_ place: Int, _ event: Event, raised: Severity?) {
        var items: [HandedOn] = []
        swap(&items, &handedOn[place])
        for item in items {
            var fields: [[[UInt8]?]] = Array(repeating: [], count: plan.operators[place].definition.inputs.count)
            fields[item.input] = item.values
            operators[place].observe(
                StateObservation(
                    index: item.finding.index, time: item.finding.time, inputs: InputSet(item.input), raised: raised,
                    evidence: item.finding.evidence, entity: item.finding.entity ?? event.entity,
                    values: .finding(fields)), into: &findings)
        }
    }

    private func handOver(from place: Int, _ raise: (Raised) -> Void) {
        let rule = plan.operators[place].rule
        for finding in findings {
            // What is found while learning says nothing yet, to other rules neither.
            for consumer in plan.ofFindings[rule] where !finding.isLearning {
                let values = consumer.fields.map { field in
                    finding.group.first { $0.name == field.written }.map { Array($0.value.utf8) }
                }
                pending.insert(consumer.place)
                handedOn[consumer.place].append(
                    HandedOn(input: consumer.input, values: values, finding: finding))
            }
            if plan.isRaised[rule] { raise(Raised(rule: rule, finding: finding)) }
        }
        findings.removeAll(keepingCapacity: true)
    }

    /// See ``StatefulOperator/forgetValues(of:)``.
    func forgetValues(of leaves: LeafRanges) {
        for place in operators.indices { operators[place].forgetValues(of: leaves) }
    }

    // MARK: Snapshots

    func snapshot() -> [DetectionCheckpoint.OperatorState] {
        operators.indices.map { place in
            var encoder = StateEncoder()
            operators[place].snapshot(to: &encoder)
            return DetectionCheckpoint.OperatorState(
                rule: keys[place], definition: plan.operators[place].version, bytes: encoder.bytes)
        }.sorted { $0.rule < $1.rule }
    }

    /// Takes over the states of operators whose definition is the same. Returns what began anew although there was a state,
    /// with the reason.
    func restore(_ states: [DetectionCheckpoint.OperatorState], limits: StateLimits) -> [DetectionError] {
        var problems: [DetectionError] = []
        for place in operators.indices {
            guard let state = states.first(where: { $0.rule == keys[place] }) else { continue }
            guard state.definition == plan.operators[place].version else {
                problems.append(
                    DetectionError(.malformedState, "the rule \(keys[place]) has changed: its state begins anew"))
                continue
            }
            do {
                var decoder = StateDecoder(state.bytes)
                try operators[place].restore(from: &decoder)
                guard decoder.isAtEnd else { throw StateDecoder.malformed("the state has bytes behind its end") }
            } catch {
                operators[place] = plan.operators[place].definition.makeOperator(limits: limits)
                problems.append(
                    DetectionError(.malformedState, "the state of the rule \(keys[place]) begins anew: \(error)"))
            }
        }
        return problems
    }
}

/// What operators hold.
package struct StateUsage: Hashable, Sendable {
    /// Groups and keys.
    package var entries = 0
    package var bytes = 0
    /// How often a limit made an operator forget something.
    package var evictions = 0
    /// Operators that are out of room.
    package var saturated = 0

    package init(entries: Int = 0, bytes: Int = 0, evictions: Int = 0, saturated: Int = 0) {
        self.entries = entries
        self.bytes = bytes
        self.evictions = evictions
        self.saturated = saturated
    }
}
