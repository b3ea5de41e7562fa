import EventModel

/// Something that has to follow and does not: `custody.baseline` of type `missing`.
struct MissingDefinition: OperatorDefinition, Hashable {
    /// What has to follow.
    enum Follower: Hashable, Sendable {
        /// Another event of the rule itself: silence is what is missed.
        case itself
        /// A match of another rule, with its fields in the order of ``MissingDefinition/per``.
        case rule(String, fields: [String])
    }

    /// What the two have in common.
    let per: [String]
    let follower: Follower
    /// Nanoseconds that the follower may come after.
    let within: Int64
    /// Nanoseconds that the follower may have come before.
    let before: Int64
    /// Nanoseconds that a follower's delivery may take.
    let grace: Int64
    let learn: Int64
    let group: [String]

    var inputs: [OperatorInput] {
        switch follower {
        case .itself: [OperatorInput(.itself, fields: per)]
        case .rule(let name, let fields):
            [OperatorInput(.itself, fields: per), OperatorInput(.named(name), fields: fields)]
        }
    }

    /// A rule that says what has to follow describes what is right: it raises nothing, as a correlation's rules do.
    var raisesInputs: Bool { false }

    func makeOperator(limits: StateLimits) -> any StatefulOperator { MissingOperator(self, limits: limits) }
}
