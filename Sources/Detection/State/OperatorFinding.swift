package import EventModel

/// What an operator raises.
package struct OperatorFinding: Sendable {
    /// The event whose arrival completed it.
    package let index: LeafIndex
    /// When it was true, in event time.
    package let time: Timestamp
    /// What tells this alert of the rule from another, in the rule's order.
    package let group: [(name: String, value: String)]
    /// Events that speak for it and were not named by an earlier finding of the same group, ascending; the completing one
    /// may be among them.
    package let evidence: [LeafIndex]
    /// Why, in words. Values of events are not in it.
    package let explanation: [String]
    /// Who it is about; the group's first value when nil.
    package let entity: String?
    /// Raised while the operator was still learning what is usual.
    package let isLearning: Bool
    /// Completed by an event that came after later ones of its group.
    package let isLate: Bool

    package init(
        index: LeafIndex, time: Timestamp, group: [(name: String, value: String)], evidence: [LeafIndex] = [],
        explanation: [String] = [], entity: String? = nil, isLearning: Bool = false, isLate: Bool = false
    ) {
        self.index = index
        self.time = time
        self.group = group
        self.evidence = evidence
        self.explanation = explanation
        self.entity = entity
        self.isLearning = isLearning
        self.isLate = isLate
    }
}
