package import EventModel

/// One event that one rule matched.
package struct RuleMatch: Sendable {
    /// Predicates named in an explanation: enough to understand any rule, few enough to store with every alert.
    static let maximumExplanations = 32

    package let rule: SigmaRule
    package let index: LeafIndex
    /// The event's own time, or that of its receipt.
    package let time: Timestamp
    /// Who (or what) it is about: the actor, else the resource; empty when the event names neither.
    package let entity: String
    /// The values of the rule's group fields, in the rule's order; the entity when the rule names none.
    package let group: [(name: String, value: String)]
    /// The predicates that held, in words. Values of the event are not in it: who sees an alert need not see the event.
    package let explanation: [String]
}
