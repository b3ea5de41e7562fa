package import EventModel
import Synchronization

/// Evaluates a rule set over events in leaf order.
///
/// One engine serves one stream of events; calls from several threads are safe and take turns. New rules take effect
/// between two events: an event is judged by the old set or by the new one, never by a mixture.
package final class DetectionEngine: Sendable {
    private let state: Mutex<EngineState>

    package init(_ ruleSet: RuleSet) { state = Mutex(EngineState(CompiledRules(ruleSet))) }

    /// The rules in force.
    package var ruleSet: RuleSet { state.withLock { $0.rules.ruleSet } }

    /// Puts another rule set in force.
    package func replace(with ruleSet: RuleSet) {
        let compiled = CompiledRules(ruleSet)
        state.withLock { $0.replace(with: compiled) }
    }

    /// Appends a match for every rule that the event meets.
    ///
    /// - Parameters:
    ///   - view: The event's sealed form; its `source.kind` chooses the rules.
    ///   - payload: The parsed payload; nil when it is no JSON or was destroyed: then canonical fields alone are matched.
    /// - Complexity: Proportional to the fields that the candidate rules look at. Texts that match nothing are compared
    ///   where they lie; numbers and objects are written out first.
    package func evaluate(
        _ view: SealedView, payload: JSONValue?, index: LeafIndex, into matches: inout [RuleMatch]
    ) {
        state.withLock { $0.evaluate(view, payload: payload, index: index, into: &matches) }
    }

    /// Appends a match for every rule that a bare payload meets, whatever log source the rule names.
    package func evaluateIgnoringSource(
        payload: JSONValue, view: SealedView? = nil, index: LeafIndex, into matches: inout [RuleMatch]
    ) {
        state.withLock { state in
            state.evaluate(
                state.rules.programOfEverything(), view, payload: payload, index: index, into: &matches)
        }
    }
}

/// What an engine works with. `@unchecked Sendable`: the only reference to it is inside its engine's `Mutex`, and it
/// keeps no borrowed memory between two calls.
private final class EngineState: @unchecked Sendable {
    private(set) var rules: CompiledRules
    private let evaluator = EventEvaluator()
    /// The programs of the kinds seen last; looking there needs no lock and no key made of the kind's bytes.
    private var recent: [(kind: [UInt8], program: RuleProgram)] = []
    private static let maximumRecent = 32

    init(_ rules: CompiledRules) { self.rules = rules }

    func replace(with rules: CompiledRules) {
        self.rules = rules
        recent.removeAll()
    }

    func evaluate(_ view: SealedView, payload: JSONValue?, index: LeafIndex, into matches: inout [RuleMatch]) {
        evaluate(program(of: view), view, payload: payload, index: index, into: &matches)
    }

    func evaluate(
        _ program: RuleProgram, _ view: SealedView?, payload: JSONValue?, index: LeafIndex,
        into matches: inout [RuleMatch]
    ) {
        guard !program.rules.isEmpty else { return }
        evaluator.evaluate(program, view: view, payload: payload) { rule in
            matches.append(match(rule, of: program, view, index: index))
        }
        evaluator.values.end()
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

    private func match(_ number: Int, of program: RuleProgram, _ view: SealedView?, index: LeafIndex) -> RuleMatch {
        let compiled = program.rules[number]
        let entity = view.flatMap(Self.entity) ?? ""
        let group = compiled.group.map { name, field in
            let slot = evaluator.values.resolve(field, program.fields[field])
            return (name: name, value: slot.first < slot.end ? Self.cut(evaluator.values.text(slot.first)) : "")
        }
        return RuleMatch(
            rule: compiled.rule, index: index, time: view?.time(.time) ?? view?.received ?? Timestamp(rawValue: 0),
            entity: entity, group: group.isEmpty ? [(name: "entity", value: entity)] : group,
            explanation: evaluator.explain(number, of: program))
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
