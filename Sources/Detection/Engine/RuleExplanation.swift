package import EventModel

/// Why a rule matches an event, or does not: each of its predicates, asked by itself.
///
/// For people who look at one event; it compiles as many small rules as there are predicates.
package struct RuleExplanation: Sendable {
    /// Predicates that are asked at most; ``isCut`` says when there are more.
    package static let maximumPredicates = 500

    package struct Line: Hashable, Sendable {
        /// The predicate in words.
        package let text: String
        package let holds: Bool
        /// Whether it stands below an odd number of `not`: then the rule wants it to fail.
        package let isNegated: Bool
        /// Whether the condition needs it in any case, as a predicate under nothing but `and`.
        package let isRequired: Bool
        /// What the event has where the predicate looks, and where it compares with; empty for nothing.
        package let values: [String]
        package let comparedWith: [String]?
        /// Whether there is more than is listed.
        package let isCut: Bool

        /// Whether this line alone keeps the rule from matching.
        package var isBlocking: Bool { isRequired && holds == isNegated }
    }

    /// Whether the rule judges several events together: its own condition is about what single events contribute.
    package let hasMemory: Bool
    /// Whether the rule looks at events of this kind of source.
    package let isRouted: Bool
    /// Whether the condition holds, wherever the event comes from.
    package let holds: Bool
    package private(set) var lines: [Line] = []
    package private(set) var isCut = false

    /// Who may not see ``SigmaRule/revealedGroups`` must not get it.
    package init(_ rule: SigmaRule, view: SealedView, payload: JSONValue?) {
        let kind = view.value(.sourceKind).map { String(decoding: $0, as: UTF8.self) } ?? ""
        isRouted = rule.route.includes(kind)
        hasMemory = rule.definition != nil
        holds = Self.holds(rule.expression, of: rule, view, payload)
        add(rule.expression, isNegated: false, isRequired: true, rule, view, payload)
    }

    private mutating func add(
        _ expression: RuleExpression, isNegated: Bool, isRequired: Bool, _ rule: SigmaRule, _ view: SealedView,
        _ payload: JSONValue?
    ) {
        guard lines.count < Self.maximumPredicates else { return isCut = true }
        switch expression {
        case .predicate(let predicate):
            let values = PredicateValues(
                predicate.target, payloadOnly: rule.seesPayloadOnly, view: view, payload: payload)
            var others: PredicateValues?
            if case .reference(let name, _, _) = predicate.test {
                others = PredicateValues(
                    .field(name), payloadOnly: rule.seesPayloadOnly, view: view, payload: payload)
            }
            lines.append(
                Line(
                    text: predicate.description, holds: Self.holds(expression, of: rule, view, payload),
                    isNegated: isNegated, isRequired: isRequired, values: values.texts, comparedWith: others?.texts,
                    isCut: values.isCut || others?.isCut == true))
        case .not(let inner):
            add(inner, isNegated: !isNegated, isRequired: isRequired, rule, view, payload)
        case .all(let members), .any(let members):
            // Under `not`, an alternative is a conjunction of failures and the other way round.
            let isConjunction = if case .all = expression { !isNegated } else { isNegated }
            for member in members {
                add(
                    member, isNegated: isNegated, isRequired: isRequired && (isConjunction || members.count == 1), rule,
                    view, payload)
            }
        }
    }

    private static func holds(
        _ expression: RuleExpression, of rule: SigmaRule, _ view: SealedView, _ payload: JSONValue?
    ) -> Bool {
        var part = rule
        part.expression = expression
        part.definition = nil
        var set = RuleSet()
        set.append(part)
        var matches: [RuleMatch] = []
        DetectionEngine(set).evaluateIgnoringSource(
            payload: payload, view: view, index: LeafIndex(0), into: &matches)
        return !matches.isEmpty
    }
}
