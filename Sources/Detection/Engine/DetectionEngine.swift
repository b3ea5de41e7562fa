package import EventModel
package import EventStore
import Synchronization

/// Evaluates a rule set over events in leaf order.
///
/// One engine serves one stream of events; calls from several threads are safe and take turns. New rules take effect
/// between two events: an event is judged by the old set or by the new one, never by a mixture.
package final class DetectionEngine: Sendable {
    private let state: Mutex<EngineState>

    /// - Parameter rememberedValues: Values whose predicates are kept; a power of two, at least four. Answers never depend on it.
    package init(
        _ ruleSet: RuleSet, limits: StateLimits = StateLimits(), rememberedValues: Int = ValueCache.maximumEntries
    ) {
        state = Mutex(EngineState(CompiledRules(ruleSet), limits: limits, rememberedValues: rememberedValues))
    }

    /// The rules in force.
    package var ruleSet: RuleSet { state.withLock { $0.rules.ruleSet } }

    /// Puts another rule set in force. Operators whose rule did not change keep their state; others begin with the next
    /// event.
    package func replace(with ruleSet: RuleSet) {
        let compiled = CompiledRules(ruleSet)
        // Made before they are in force: the events that wait for the change do not wait for the compiler.
        for kind in state.withLock({ $0.recentKinds }) { _ = compiled.program(kind: kind) }
        state.withLock { $0.replace(with: compiled) }
    }

    /// Appends a match for every rule that the event meets, and what operators find with it.
    ///
    /// - Parameters:
    ///   - view: The event's sealed form; its `source.kind` chooses the rules.
    ///   - payload: The parsed payload; nil when it is no JSON or was destroyed: then canonical fields alone are matched.
    ///   - time: Stands for the event's time and that of its receipt, for files, which know no receipt.
    /// - Complexity: Proportional to the fields that the candidate rules look at. Texts that match nothing are compared
    ///   where they lie; numbers and objects are written out first.
    package func evaluate(
        _ view: SealedView, payload: JSONValue?, time: Timestamp? = nil, index: LeafIndex,
        into matches: inout [RuleMatch]
    ) {
        state.withLock { $0.evaluate(view, payload: payload, time: time, index: index, into: &matches) }
    }

    /// Appends a match for every rule that a bare payload meets, whatever log source the rule names.
    ///
    /// - Parameter time: The event's time, for operators; that of the view when nil. It is also what time is advanced to:
    ///   files have no time of receipt.
    package func evaluateIgnoringSource(
        payload: JSONValue?, view: SealedView? = nil, time: Timestamp? = nil, index: LeafIndex,
        into matches: inout [RuleMatch]
    ) {
        state.withLock { state in
            state.evaluate(
                state.rules.programOfEverything(), view, payload: payload, index: index, time: time, into: &matches)
        }
    }

    // MARK: Operators

    /// Whether any rule in force has a memory.
    package var hasState: Bool { state.withLock { !$0.host.isEmpty } }

    /// What operators hold.
    package var usage: StateUsage { state.withLock { $0.host.usage } }
    /// The same by the key of the rule; rules without a memory are not in it.
    package var usageByRule: [String: StateUsage] { state.withLock { $0.host.usageByRule } }

    /// Lets operators know how late it is when no events come.
    ///
    /// - Parameters:
    ///   - time: A time of receipt that every later event will have reached.
    ///   - next: The next leaf to be evaluated.
    package func advance(to time: Timestamp, next: LeafIndex, into matches: inout [RuleMatch]) {
        state.withLock { $0.advance(to: time, next: next, into: &matches) }
    }

    /// Lets operators forget the values of events whose groups were destroyed.
    package func forgetValues(of leaves: LeafRanges) { state.withLock { $0.host.forgetValues(of: leaves) } }

    /// The state of all operators, which has seen every leaf below `next`.
    package func checkpoint(next: LeafIndex) -> DetectionCheckpoint {
        state.withLock { DetectionCheckpoint(next: next, operators: $0.host.snapshot()) }
    }

    /// Takes over a state. Returns, with the reasons, which operators begin anew although the state names them.
    package func restore(_ checkpoint: DetectionCheckpoint) -> [DetectionError] {
        state.withLock { $0.restore(checkpoint) }
    }
}

/// What an engine works with. `@unchecked Sendable`: the only reference to it is inside its engine's `Mutex`, and it
/// keeps no borrowed memory between two calls.
private final class EngineState: @unchecked Sendable {
    /// How far ahead of its receipt an event's own time may lie. Clocks differ by seconds; what claims more is judged by its
    /// receipt, so that nobody can move a window into the future.
    private static let clockSkew: Int64 = 300_000_000_000

    private(set) var rules: CompiledRules
    private(set) var host: OperatorHost
    private let limits: StateLimits
    private let evaluator: EventEvaluator
    private var matched: [Int] = []
    /// The programs of the kinds seen last; looking there needs no lock and no key made of the kind's bytes.
    private var recent: [(kind: [UInt8], program: RuleProgram)] = []
    private static let maximumRecent = 32

    init(_ rules: CompiledRules, limits: StateLimits, rememberedValues: Int) {
        evaluator = EventEvaluator(cachedValues: rememberedValues)
        self.rules = rules
        self.limits = limits
        host = OperatorHost(rules.plan, rules: rules.ruleSet.rules, limits: limits)
    }

    /// The kinds of the sources seen last.
    var recentKinds: [[UInt8]] { recent.map(\.kind) }

    func replace(with rules: CompiledRules) {
        self.rules = rules
        host = OperatorHost(rules.plan, rules: rules.ruleSet.rules, limits: limits, continuing: host)
        recent.removeAll()
    }

    func restore(_ checkpoint: DetectionCheckpoint) -> [DetectionError] {
        host.restore(checkpoint.operators, limits: limits)
    }

    func advance(to time: Timestamp, next: LeafIndex, into matches: inout [RuleMatch]) {
        host.advance(to: time, next: next) { matches.append(match($0)) }
    }

    func evaluate(
        _ view: SealedView, payload: JSONValue?, time: Timestamp?, index: LeafIndex, into matches: inout [RuleMatch]
    ) {
        evaluate(program(of: view), view, payload: payload, index: index, time: time, into: &matches)
    }

    func evaluate(
        _ program: RuleProgram, _ view: SealedView?, payload: JSONValue?, index: LeafIndex, time: Timestamp?,
        into matches: inout [RuleMatch]
    ) {
        if !host.isEmpty, let now = time ?? view?.received {
            host.advance(to: now, next: index) { matches.append(match($0)) }
        }
        // What time alone brought is no finding of this event's source.
        let known = matches.count
        guard !program.rules.isEmpty else { return }
        matched.removeAll(keepingCapacity: true)
        evaluator.evaluate(program, view: view, payload: payload) { matched.append($0) }
        if !matched.isEmpty {
            // Windows are counted back from it, and have to be in range.
            let time = max(time ?? Self.time(of: view), Timestamp(nanoseconds: 0))
            raise(program, view, index: index, time: time, into: &matches)
            for position in known..<matches.count {
                matches[position].sourceKind = Self.text(view, .sourceKind)
                matches[position].sourceName = Self.text(view, .sourceName)
            }
        }
        evaluator.values.end()
    }

    private static func text(_ view: SealedView?, _ field: Field) -> String {
        view?.value(field).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private static func time(of view: SealedView?) -> Timestamp {
        guard let view else { return Timestamp(rawValue: 0) }
        let received = view.received
        guard let time = view.time(.time), time <= received.advanced(byNanoseconds: clockSkew) else { return received }
        return time
    }

    /// Raises what rules without memory matched, then runs the operators.
    private func raise(
        _ program: RuleProgram, _ view: SealedView?, index: LeafIndex, time: Timestamp, into matches: inout [RuleMatch]
    ) {
        var raised: Severity?
        let entity = view.flatMap(Self.entity) ?? ""
        for number in matched {
            let use = program.uses[number]
            if use.isRaised {
                matches.append(match(number, of: program, entity: entity, index: index, time: time))
                raised = max(raised ?? .informational, program.rules[number].rule.severity)
            }
            for place in use.firstConsumer..<use.endConsumer {
                host.note(program.consumers[Int(place)], of: program, evaluator.values)
            }
        }
        let event = OperatorHost.Event(index: index, time: time, entity: entity, values: evaluator.values)
        host.run(event, raised: raised) { matches.append(match($0)) }
    }

    private func program(of view: SealedView) -> RuleProgram {
        let kind = view.value(.sourceKind) ?? UnsafeRawBufferPointer(start: nil, count: 0)
        for entry in recent where entry.kind.withUnsafeBytes({ $0.hasSameBytes(as: kind) }) { return entry.program }
        let key = Array(kind)
        let program = rules.program(kind: key)
        if recent.count == Self.maximumRecent { recent.removeFirst() }
        recent.append((key, program))
        return program
    }

    private func match(
        _ number: Int, of program: RuleProgram, entity: String, index: LeafIndex, time: Timestamp
    ) -> RuleMatch {
        let compiled = program.rules[number]
        let group = compiled.group.map { name, field in
            let slot = evaluator.values.resolve(field)
            return (name: name, value: slot.first < slot.end ? Self.cut(evaluator.values.text(slot.first)) : "")
        }
        return RuleMatch(
            rule: compiled.rule, index: index, time: time, entity: entity,
            group: group.isEmpty ? [(name: "entity", value: entity)] : group,
            explanation: evaluator.explain(number, of: program))
    }

    private func match(_ raised: OperatorHost.Raised) -> RuleMatch {
        let finding = raised.finding
        return RuleMatch(
            rule: rules.ruleSet.rules[raised.rule], index: finding.index, evidence: finding.evidence,
            time: finding.time, entity: finding.entity ?? finding.group.first?.value ?? "", group: finding.group,
            explanation: finding.explanation, isLearning: finding.isLearning, isLate: finding.isLate)
    }

    private static func entity(of view: SealedView) -> String? {
        for field in [Field.actorName, .actorID, .actorEmail, .resourceName, .resourceID] {
            if let value = view.value(field) { return cut(value) }
        }
        return nil
    }

    /// Long values tell no more in an alert than their beginning.
    private static func cut(_ value: UnsafeRawBufferPointer) -> String {
        String(decoding: value.prefix(512), as: UTF8.self)
    }
}
