package import EventModel

/// A decision, with a name, a reason and an end, that matches of some kind need nobody's attention.
///
/// What a silence covers is recorded like everything else and counted; only notifications stay away.
package struct Silence: Hashable, Sendable {
    /// What a silence covers: everything that it names has to hold.
    package struct Scope: Hashable, Codable, Sendable {
        enum CodingKeys: String, CodingKey {
            case rule, entity, tag, source
            case maximumSeverity = "maximum_severity"
        }
        /// The rule's id (else its name, else its title).
        package var rule: String?
        /// A pattern (``WildcardText``) of the actor or resource that the alert is about.
        package var entity: String?
        /// A pattern of one of the rule's tags.
        package var tag: String?
        /// A pattern of the source's name or kind.
        package var source: String?
        /// Nothing worse than this severity is covered.
        package var maximumSeverity: String?

        package init(
            rule: String? = nil, entity: String? = nil, tag: String? = nil, source: String? = nil,
            maximumSeverity: String? = nil
        ) {
            self.rule = rule
            self.entity = entity
            self.tag = tag
            self.source = source
            self.maximumSeverity = maximumSeverity
        }
    }

    package let id: String
    package let scope: Scope
    package let author: String
    package let reason: String
    package let created: Timestamp
    package let expires: Timestamp
    /// Who ended it before its time, and when.
    package var endedBy: String?
    package var ended: Timestamp?
    /// How many matches it has kept from notifications so far.
    package var hidden: Int64
    package var lastHidden: Timestamp?

    package func isActive(at time: Timestamp) -> Bool { ended == nil && time < expires }
}

/// A scope that was checked and can be asked.
struct SilenceScope: Sendable {
    private let rule: String?
    private let entity: WildcardText?
    private let tag: WildcardText?
    private let source: WildcardText?
    private let maximumSeverity: Severity?

    /// - Throws: ``DetectionError`` when it names nothing, so that it would cover everything, or a pattern is unusable.
    init(_ scope: Silence.Scope) throws {
        guard scope.rule != nil || scope.entity != nil || scope.tag != nil || scope.source != nil else {
            throw DetectionError(
                .invalidRequest,
                "a silence names a rule, an entity, a tag or a source; one of everything is not possible")
        }
        guard (scope.rule?.utf8.count ?? 1) > 0, (scope.rule?.utf8.count ?? 0) <= 1_024 else {
            throw DetectionError(.invalidRequest, "a rule's id has 1 to 1,024 bytes")
        }
        rule = scope.rule
        entity = try scope.entity.map(WildcardText.init)
        tag = try scope.tag.map(WildcardText.init)
        source = try scope.source.map(WildcardText.init)
        maximumSeverity = try scope.maximumSeverity.map { text in
            guard let severity = Severity(rawValue: text) else {
                throw DetectionError(
                    .invalidRequest, "a severity is informational, low, medium, high or critical, not \(text)")
            }
            return severity
        }
    }

    func covers(
        rule key: String, severity: Severity, tags: [String], entity name: String, sourceKind: String,
        sourceName: String
    ) -> Bool {
        if let rule, rule.lowercased() != key.lowercased() { return false }
        if let maximumSeverity, severity > maximumSeverity { return false }
        if let entity, !entity.matches(name) { return false }
        if let tag, !tags.contains(where: tag.matches) { return false }
        if let source, !source.matches(sourceKind), !source.matches(sourceName) { return false }
        return true
    }

    func covers(_ match: RuleMatch) -> Bool {
        covers(
            rule: match.rule.key, severity: match.rule.severity, tags: match.rule.tags, entity: match.entity,
            sourceKind: match.sourceKind, sourceName: match.sourceName)
    }

    func covers(_ alert: Alert) -> Bool {
        covers(
            rule: alert.ruleKey, severity: alert.severity, tags: alert.tags, entity: alert.entity,
            sourceKind: alert.sourceKind, sourceName: alert.sourceName)
    }
}
