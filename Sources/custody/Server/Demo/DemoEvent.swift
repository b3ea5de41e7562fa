import EventModel

/// One event of the made-up day, as its system would send it.
struct DemoEvent: Equatable, Sendable {
    /// When it happened.
    let time: Timestamp
    /// The source that it is pushed as.
    let source: Source
    /// One JSON document on one line.
    let body: String
    /// What it is in the attack; nil for an ordinary event.
    var step: String?

    /// The company's systems, by the names that their sources get.
    enum Source: String, CaseIterable, Sendable {
        case github, audit, gitlab, packages, registry, cluster

        /// The connector that has to recognise its events.
        var connector: String {
            switch self {
            case .github: "github-webhook"
            case .audit: "github-audit-log"
            case .gitlab: "gitlab-webhook"
            case .packages: "generic"
            case .registry: "oci-distribution-notification"
            case .cluster: "kubernetes-audit"
            }
        }
    }
}

/// A day of Larkspur, a company that does not exist: its quiet part, and the attack inside.
struct DemoDay: Sendable {
    /// In the order of their times.
    let events: [DemoEvent]

    /// The day that ends at a moment. The same seed and moment give the same day.
    init(seed: UInt64 = 2025, endingAt end: Timestamp) {
        let all = QuietDay(seed: seed, endingAt: end).events + DemoAttack(endingAt: end).events
        // Equal times keep their order, so that the day is the same every time.
        events = all.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
    }
}
