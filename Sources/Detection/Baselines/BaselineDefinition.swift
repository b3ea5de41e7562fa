import EventModel

/// What a rule calls unusual: its `custody.baseline`. The rule's own selections say which events count.
struct BaselineDefinition: OperatorDefinition, Hashable {
    /// How an event is judged by what its subject did before.
    enum Kind: Hashable, Sendable {
        /// A value that the subject has not had within the last `forget`.
        case firstSeen(forget: Int64)
        /// A value that the subject has had at most so often.
        case rare(atMost: UInt32)
        /// More events in a window than both a number and what is usual for the subject.
        case burst(window: Int64, moreThan: Int, deviations: Double)
        /// More distinct values within a trailing window than a number.
        case distinctBurst(window: Int64, moreThan: Int)
        /// The first event of the subject after so long a time.
        case dormant(after: Int64)
    }

    let kind: Kind
    /// Whose habits they are; one subject for everything when empty.
    let per: [BaselineField]
    /// What is habitual.
    let of: [BaselineField]
    /// Nanoseconds of event time from the operator's first event in which findings are marked as learning.
    let learn: Int64
    /// Events (for bursts: windows) that a subject must have had before it is judged.
    let settled: UInt32
    /// Values kept for each subject.
    let keep: Int
    /// Nanoseconds after which a value that raised, and was not learned for that, is raised again.
    let repeating: Int64
    /// Names of the fields whose values tell one alert from another; all of ``per`` and ``of`` when empty.
    let group: [String]

    var inputs: [OperatorInput] { [OperatorInput(.itself, fields: (per + of).map(\.name))] }

    func makeOperator(limits: StateLimits) -> any StatefulOperator { BaselineOperator(self, limits: limits) }
}

/// A field that a baseline reads, and what is made of its value.
struct BaselineField: Hashable, Sendable {
    enum Transform: Hashable, Sendable {
        case none
        /// The network instead of the address: /24 of IPv4, /64 of IPv6. What is no address stays as it is.
        case network
        /// A package URL without version, qualifiers and subpath.
        case package
    }

    let name: String
    let transform: Transform
}

/// Limits of baselines. Each is the default of something that a rule may say, or the most that it may ask for.
enum BaselineLimits {
    /// Values of a subject: a person's networks, an artifact's workflows. What is over makes room, and is counted.
    static let keep = 256
    /// The most that a rule may keep for a subject: 160 KiB each.
    static let maximumKeep = 4_096
    /// The largest threshold of a distinct burst, whose memory is one value more than it.
    static let maximumDistinct = 1_024
    /// Tuples that one event may give: images of a pod, artifacts of a job.
    static let tuples = 64
    /// Fields of one baseline.
    static let fields = 8
    /// Nanoseconds in which a value that raised goes on to be evidence of the same alert.
    static let evidenceSpan: Int64 = 3_600_000_000_000
    /// Events of one burst that become evidence; a burst's size is in its explanation.
    static let evidenceOfBurst = 100
    /// Weight of the newest window in a burst's mean and variance: it remembers some twenty windows.
    static let smoothing = 0.1
}
