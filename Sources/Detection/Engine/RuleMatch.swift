package import EventModel

/// One event that one rule matched, or what an operator found.
package struct RuleMatch: Sendable {
    /// Predicates named in an explanation: enough to understand any rule, few enough to store with every alert.
    static let maximumExplanations = 32

    package let rule: SigmaRule
    /// The leaf at which it was found: the event itself, the last one of a correlation, or the leaf before which it became
    /// certain that something did not happen.
    package let index: LeafIndex
    /// The leaves that speak for it and have not spoken for the same group before, ascending.
    package let evidence: [LeafIndex]
    /// The event's own time, or that of its receipt.
    package let time: Timestamp
    /// Who (or what) it is about: the actor, else the resource; empty when the event names neither.
    package let entity: String
    /// The values of the rule's group fields, in the rule's order; the entity when the rule names none.
    package let group: [(name: String, value: String)]
    /// The predicates that held, in words. Values of the event are not in it: who sees an alert need not see the event.
    package let explanation: [String]
    /// Found while a baseline was still learning: to be recorded, not to be notified.
    package let isLearning: Bool
    /// Completed by an event that came after later ones.
    package let isLate: Bool

    /// Where the event came from: `source.kind` and `source.name`; empty for what time alone brought.
    package var sourceKind = ""
    package var sourceName = ""

    package init(
        rule: SigmaRule, index: LeafIndex, evidence: [LeafIndex]? = nil, time: Timestamp, entity: String,
        group: [(name: String, value: String)], explanation: [String], isLearning: Bool = false, isLate: Bool = false
    ) {
        self.rule = rule
        self.index = index
        self.evidence = evidence ?? [index]
        self.time = time
        self.entity = entity
        self.group = group
        self.explanation = explanation
        self.isLearning = isLearning
        self.isLate = isLate
    }
}
