package import EventModel

/// What a rule raised for people: one finding, however many events speak for it.
package struct Alert: Hashable, Sendable {
    /// What asks for a person, and what is only recorded.
    package enum Kind: String, CaseIterable, Hashable, Sendable { case alert, signal }
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
    /// The how-manieth text of the rule this was, from 1.
    package let ruleVersion: Int64
    package let kind: Kind
    package let severity: Severity
    package let tags: [String]
    package let runbook: String?
    /// Whom the rule belongs to, as its author wrote it.
    package let owner: String?
    /// Where the first event came from.
    package let sourceKind: String
    package let sourceName: String
    package var status: Status
    /// Times of the first and last event.
    package let firstSeen: Timestamp
    package var lastSeen: Timestamp
    /// How many events matched.
    package var count: Int64
    /// How many of them are not listed as evidence, because an alert lists ``AlertStore/maximumEvidence``.
    package var unlistedEvidence: Int64
    /// How many of them a silence kept from notifications.
    package var silenced: Int64
    package let fingerprint: String
    /// The incident that it belongs to; nil for signals.
    package let incident: String?
    package let entity: String
    package let group: [AlertGroupValue]
    package let explanation: [String]
    package var assignee: String?
    package var verdict: Verdict?
    package var comment: String?
    /// When the alert was made, by our clock.
    package let created: Timestamp
    package var updated: Timestamp

    package init(
        id: String,
        sequence: Int64,
        ruleKey: String,
        ruleTitle: String,
        ruleHash: String,
        ruleVersion: Int64,
        kind: Kind,
        severity: Severity,
        tags: [String],
        runbook: String?,
        owner: String?,
        sourceKind: String,
        sourceName: String,
        status: Status,
        firstSeen: Timestamp,
        lastSeen: Timestamp,
        count: Int64,
        unlistedEvidence: Int64,
        silenced: Int64,
        fingerprint: String,
        incident: String?,
        entity: String,
        group: [AlertGroupValue],
        explanation: [String],
        assignee: String?,
        verdict: Verdict?,
        comment: String?,
        created: Timestamp,
        updated: Timestamp
    ) {
        self.id = id
        self.sequence = sequence
        self.ruleKey = ruleKey
        self.ruleTitle = ruleTitle
        self.ruleHash = ruleHash
        self.ruleVersion = ruleVersion
        self.kind = kind
        self.severity = severity
        self.tags = tags
        self.runbook = runbook
        self.owner = owner
        self.sourceKind = sourceKind
        self.sourceName = sourceName
        self.status = status
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
        self.count = count
        self.unlistedEvidence = unlistedEvidence
        self.silenced = silenced
        self.fingerprint = fingerprint
        self.incident = incident
        self.entity = entity
        self.group = group
        self.explanation = explanation
        self.assignee = assignee
        self.verdict = verdict
        self.comment = comment
        self.created = created
        self.updated = updated
    }
}

/// One of the values that tell an alert from the rule's others.
package struct AlertGroupValue: Hashable, Codable, Sendable {
    package let name: String
    package let value: String
}

/// A change of an alert, for the ledger, the outbox and people who watch.
package struct AlertTransition: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Hashable, Sendable {
        case opened, repeated
        /// The first match that no silence covers, of an alert that was silenced until then.
        case surfaced
        case acknowledged, assigned, commented, closed, reopened
    }

    package let kind: Kind
    /// The alert after the change.
    package let alert: Alert
    /// Who changed it; nil for the engine.
    package let actor: String?
    package let time: Timestamp
    /// The silence that keeps it from notifications.
    package var silence: String?
    /// The comment, the assignee or the verdict.
    package var detail: String?
}

/// Which alerts a list shows. Empty conditions let everything through.
package struct AlertFilter: Hashable, Sendable {
    /// Nil for alerts and signals.
    package var kind: Alert.Kind? = .alert
    package var statuses: Set<Alert.Status> = []
    package var minimumSeverity = Severity.informational
    package var ruleKey: String?
    package var entity: String?
    package var assignee: String?
    package var incident: String?
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
