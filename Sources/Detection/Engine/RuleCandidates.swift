import EventModel
package import EventStore
import QueryLanguage

/// Which stored events a rule set has to be asked about: a condition for the store's indexes that holds for every event that
/// one of some rules matches, or that one of the operators that they need takes.
///
/// It may hold for others too; they are asked and do not match. What it leaves out cannot match:
/// `CandidateFilterTests` compares it with the engine over random rules and events.
package struct RuleCandidates: Sendable {
    package let filter: CandidateFilter

    /// - Parameter keys: Rules whose matches are wanted; what they refer to is added.
    package init(_ ruleSet: RuleSet, keys: Set<String>) {
        let wanted = Self.wanted(ruleSet, keys)
        filter = .disjunction(wanted.sorted().map { Self.filter(of: ruleSet.rules[$0]) })
    }

    /// The rules with the keys, and in turn those that feed their operators.
    private static func wanted(_ ruleSet: RuleSet, _ keys: Set<String>) -> Set<Int> {
        let references = RuleReferences(ruleSet.rules)
        var wanted: Set<Int> = []
        var open = ruleSet.rules.indices.filter { keys.contains(ruleSet.rules[$0].key) }
        while let number = open.popLast() {
            guard wanted.insert(number).inserted, let definition = ruleSet.rules[number].definition else { continue }
            open += definition.inputs.compactMap { references.number(of: $0.rule, in: number) }
            // It learns nothing from what others raise, so that their memories count, too.
            guard definition.runsAfterCorrelations else { continue }
            open += ruleSet.rules.indices.filter { ruleSet.rules[$0].definition != nil && !wanted.contains($0) }
        }
        return wanted
    }

    private static func filter(of rule: SigmaRule) -> CandidateFilter {
        .conjunction([route(rule.route), condition(rule.expression, holds: true, of: rule)])
    }

    private static func route(_ route: SourceRoute) -> CandidateFilter {
        guard case .kinds = route else { return .everything }
        return .field(.sourceKind) { route.includes(String(decoding: $0, as: UTF8.self)) }
    }

    /// What holds whenever the expression holds (or, for `holds` false, whenever it does not).
    private static func condition(
        _ expression: RuleExpression, holds: Bool, of rule: SigmaRule
    ) -> CandidateFilter {
        switch expression {
        // An index tells who has a value, not who lacks it: null and what is nowhere look alike there.
        case .predicate(let predicate): return holds ? condition(predicate, of: rule) : .everything
        case .not(let inner): return condition(inner, holds: !holds, of: rule)
        case .all(let members), .any(let members):
            let parts = members.map { condition($0, holds: holds, of: rule) }
            let isConjunction = if case .all = expression { holds } else { !holds }
            return isConjunction ? .conjunction(parts) : .disjunction(parts)
        }
    }

    private static func condition(_ predicate: Predicate, of rule: SigmaRule) -> CandidateFilter {
        switch predicate.test {
        case .query(let query): return .query(query.predicate)
        // These hold for null, or for nothing at all.
        case .isNull, .exists, .elements: return .everything
        // Both sides need a value; which one decides.
        case .reference: return lookup(predicate.target, of: rule) { _ in true }
        case .pattern, .regex, .network, .number, .timePart:
            let test = ValueQuestion(predicate.test)
            return lookup(predicate.target, of: rule, test.mayHold)
        }
    }

    private static func lookup(
        _ target: PredicateTarget, of rule: SigmaRule, _ test: @escaping CandidateFilter.Test
    ) -> CandidateFilter {
        let access = FieldAccess(target, payloadOnly: rule.seesPayloadOnly)
        guard !access.isAnywhere, !access.isElement else { return .everything }
        var places: [CandidateFilter] = []
        for path in access.paths {
            guard !path.parts.isEmpty else { return .everything }
            let name = Array(path.parts.joined(separator: [UInt8(ascii: ".")]))
            places.append(
                .payload(CandidateFilter.PayloadName(name, ignoresCase: path.ignoresCase), test))
        }
        switch access.canonical {
        case .field(let field):
            // Times are compared as texts that no column holds.
            guard field.type != .time, field.isColumnar else { return .everything }
            places.append(.field(field, test))
        case .extensionKey: return .everything
        case nil: break
        }
        return .disjunction(places)
    }
}

/// One predicate on a value's text, asked by itself.
private struct ValueQuestion: Sendable {
    private let matcher: FieldMatcher

    init(_ test: ValueTest) {
        // It names no other field.
        matcher = FieldMatcher([(number: 0, test: CompiledTest(test, slot: { _ in 0 }))])
    }

    /// As a text, a value meets all that it meets as a number, a boolean or an object.
    @Sendable func mayHold(_ value: UnsafeRawBufferPointer) -> Bool {
        var folded: [UInt8] = []
        CaseFolding.appendFolded(value, to: &folded)
        var found: [Int32] = []
        var seen = false
        folded.withUnsafeBytes {
            matcher.match(value, folded: $0, kind: .text, seen: &seen, into: &found)
        }
        return !found.isEmpty
    }
}
