package import EventModel

/// What a rule raised for people: one finding, however many events speak for it.
package struct Alert: Hashable, Sendable {
    package enum Status: String, CaseIterable, Hashable, Sendable { case open, acknowledged, closed }

    /// What a closed alert turned out to be.
    package enum Verdict: String, CaseIterable, Hashable, Sendable {
        case truePositive = "true_positive"
        case falsePositive = "false_positive"
        case benign
    }

    /// Of which rule, fingerprint and first event it was made decides the id: a rebuild gives it again.
    package let id: String
    /// Its place in the order of alerts, ascending; what lists continue from.
    package let sequence: Int64
    package let ruleKey: String
    package let ruleTitle: String
    package let ruleHash: String
    package let severity: Severity
    package let tags: [String]
    package let runbook: String?
    package var status: Status
    /// Times of the first and last event.
    package let firstSeen: Timestamp
    package var lastSeen: Timestamp
    /// How many events matched.
    package var count: Int64
    /// How many of them are not listed as evidence, because an alert lists ``AlertStore/maximumEvidence``.
    package var unlistedEvidence: Int64
    package let fingerprint: String
    package let entity: String
    package let group: [AlertGroupValue]
    package let explanation: [String]
    package var assignee: String?
    package var verdict: Verdict?
    package var comment: String?
    /// When the alert was made, by our clock.
    package let created: Timestamp
    package var updated: Timestamp
}

/// One of the values that tell an alert from the rule's others.
package struct AlertGroupValue: Hashable, Codable, Sendable {
    package let name: String
    package let value: String
}

/// A change of an alert, for the ledger, the outbox and people who watch.
package struct AlertTransition: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable { case opened, repeated, acknowledged, assigned, closed }

    package let kind: Kind
    /// The alert after the change.
    package let alert: Alert
    /// Who changed it; nil for the engine.
    package let actor: String?
    package let time: Timestamp
}

/// Which alerts a list shows. Empty conditions let everything through.
package struct AlertFilter: Hashable, Sendable {
    package var statuses: Set<Alert.Status> = []
    package var minimumSeverity = Severity.informational
    package var ruleKey: String?
    package var entity: String?
    package var assignee: String?
    /// Alerts whose last event is not older.
    package var seenSince: Timestamp?

    package init() {}
}

/// A page of a list, newest alert first.
package struct AlertPage: Hashable, Sendable {
    package let alerts: [Alert]
    /// Where the next page begins; nil on the last.
    package let next: Int64?
}
