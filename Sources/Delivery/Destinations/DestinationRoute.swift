import Detection

/// Which alerts go to a destination. Every condition that is given has to hold; within a list, any member.
package struct DestinationRoute: Sendable {
    /// Patterns in one list: a route that names more is a mistake.
    static let maximumPatterns = 100

    let minimumSeverity: Severity
    let kinds: Set<AlertTransition.Kind>
    private let rules: [WildcardText]
    private let sources: [WildcardText]
    private let tags: [WildcardText]
    private let owners: [WildcardText]
    private let entities: [WildcardText]

    init(_ settings: DestinationSettings, name: String) throws {
        func invalid(_ reason: String) -> DeliveryError {
            DeliveryError(.invalidDestination, "the destination \(name): \(reason)")
        }
        func patterns(_ texts: [String]?, _ key: String) throws -> [WildcardText] {
            guard let texts else { return [] }
            guard (1...Self.maximumPatterns).contains(texts.count) else {
                throw invalid("`\(key)` holds 1 to \(Self.maximumPatterns) patterns")
            }
            return try texts.map { text in
                do { return try WildcardText(text) } catch { throw invalid("`\(key)`: \(error)") }
            }
        }
        let severity = settings.minimumSeverity ?? Severity.medium.rawValue
        guard let minimum = Severity(rawValue: severity) else { throw invalid("there is no severity \(severity)") }
        minimumSeverity = minimum
        kinds = Set(
            try (settings.events ?? ["opened", "acknowledged", "closed", "reopened"]).map { text in
                let sendable: [AlertTransition.Kind] = [
                    .opened, .acknowledged, .assigned, .commented, .closed, .reopened,
                ]
                guard let kind = AlertTransition.Kind(rawValue: text), sendable.contains(kind) else {
                    let names = sendable.map(\.rawValue).joined(separator: ", ")
                    throw invalid("there is no event \(text); there are \(names)")
                }
                return kind
            })
        rules = try patterns(settings.rules, "rules")
        sources = try patterns(settings.sources, "sources")
        tags = try patterns(settings.tags, "tags")
        owners = try patterns(settings.owners, "owners")
        entities = try patterns(settings.entities, "entities")
    }

    /// Whether alerts of this sort are sent, and not hidden by a silence altogether.
    func wants(_ alert: Alert) -> Bool {
        guard alert.kind == .alert, alert.severity >= minimumSeverity else { return false }
        if alert.silenced > 0, alert.silenced >= alert.count { return false }
        return Self.holds(rules, [alert.ruleKey]) && Self.holds(sources, [alert.sourceName, alert.sourceKind])
            && Self.holds(tags, alert.tags) && Self.holds(owners, alert.owner.map { [$0] } ?? [])
            && Self.holds(entities, [alert.entity])
    }

    /// Whether a change of an alert is sent. Repetitions are counted in the alert and never sent by themselves.
    func wants(_ transition: AlertTransition) -> Bool {
        guard transition.silence == nil, wants(transition.alert) else { return false }
        // What comes out from under a silence is news, as if it were opened now.
        return kinds.contains(transition.kind == .surfaced ? .opened : transition.kind)
    }

    private static func holds(_ patterns: [WildcardText], _ values: [String]) -> Bool {
        patterns.isEmpty || values.contains { value in patterns.contains { $0.matches(value) } }
    }
}
