package import EventModel
package import EventStore

/// A detector with memory: a correlation or a baseline.
///
/// Its state is a function of the observations alone, in leaf order: the same ledger gives the same state and the same
/// findings, whenever and in whatever portions it is read. So an operator reads no clock and no random numbers; time is
/// what ``observe(_:into:)`` and ``advance(to:next:into:)`` tell. It keeps at most the memory of its ``StateLimits``; what it
/// had to forget for that it counts in ``evictions``.
///
/// One task at a time calls an operator.
package protocol StatefulOperator: AnyObject {
    /// Entries of state (groups, keys) held now.
    var entryCount: Int { get }
    /// Bytes of state held now, in the operator's own reckoning of its tables.
    var stateBytes: Int { get }
    /// How often something was forgotten because of a limit rather than because its time was over.
    var evictions: Int { get }
    /// Whether it is out of room and forgets what it still needs: what it does not find meanwhile it may have missed.
    var isSaturated: Bool { get }

    /// Takes an event (or the finding of another operator) that one or more of the inputs matched, and appends what it
    /// completes. Times may go backwards: a late event is judged in its own time.
    func observe(_ observation: StateObservation, into findings: inout [OperatorFinding])

    /// Tells that no event is expected any more that would have been received before `time`: what waits for something not
    /// to happen may decide. Called before each observation with a later time, and now and then without one.
    ///
    /// - Parameter next: The next leaf to be observed.
    func advance(to time: Timestamp, next: LeafIndex, into findings: inout [OperatorFinding])

    /// Forgets the values of events whose groups were destroyed. What only tells equal values apart (128 bits of their
    /// SHA-256), times and leaf indexes stay, so that what was begun is still found.
    func forgetValues(of leaves: LeafRanges)

    /// Writes the state, counters included. Equal states give equal bytes.
    func snapshot(to encoder: inout StateEncoder)

    /// Takes over a state that an operator of the same definition wrote.
    /// - Throws: ``DetectionError`` `malformed_state`; the operator is to be thrown away then.
    func restore(from decoder: inout StateDecoder) throws
}

extension StatefulOperator {
    package func advance(to time: Timestamp, next: LeafIndex, into findings: inout [OperatorFinding]) {}
}

/// What a rule says about the memory that it needs; makes its operator.
package protocol OperatorDefinition: Sendable {
    /// What the operator is fed with. An observation calls them by their place here.
    var inputs: [OperatorInput] { get }
    /// Whether the operator wants ``StateObservation/raised`` to name what correlations raised too: it then runs after them.
    var runsAfterCorrelations: Bool { get }
    /// Whether other rules that feed it still raise alerts of their own.
    var raisesInputs: Bool { get }
    /// Whether it can find nothing while one of its inputs has no source that feeds it.
    var needsAllInputs: Bool { get }

    func makeOperator(limits: StateLimits) -> any StatefulOperator
}

extension OperatorDefinition {
    package var runsAfterCorrelations: Bool { true }
    package var raisesInputs: Bool { true }
    package var needsAllInputs: Bool { false }
}

/// One input of an operator: the matches of a rule, and the fields of theirs that the operator reads.
package struct OperatorInput: Hashable, Sendable {
    package enum Rule: Hashable, Sendable {
        /// The selections of the rule that has the operator.
        case itself
        /// Another rule, by id, name or title.
        case named(String)
    }

    package let rule: Rule
    /// Names as the rule's author would write them; looked up by the log source of the input's rule. An observation calls
    /// them by their place here.
    package let fields: [String]

    package init(_ rule: Rule, fields: [String]) {
        self.rule = rule
        self.fields = fields
    }
}

/// How much memory operators may hold.
package struct StateLimits: Hashable, Sendable {
    /// Bytes of one operator. At 512 bytes a group this is 65,536 groups: more than a large organisation has people.
    package var operatorBytes = 32 << 20
    /// How far behind the newest event of its group (or of its key) an event may be and still count. Longer delays are
    /// those of backfills, which arrive in their own order.
    package var lateness = Duration.seconds(900)

    package init() {}
}
