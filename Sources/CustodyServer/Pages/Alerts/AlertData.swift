import Detection
import EventModel

/// Alerts as templates show them.
enum AlertData {
    static func row(_ alert: Alert, now: Timestamp) -> PageData {
        .of([
            "id": alert.id, "path": "/alerts/\(alert.id)", "title": alert.ruleTitle, "entity": alert.entity,
            "severity": alert.severity.rawValue, "severity_kind": kind(of: alert.severity),
            "status": alert.status.rawValue,
            "is_open": alert.status == .open ? true : nil, "is_closed": alert.status == .closed ? true : nil,
            "count": PageNumber.text(alert.count), "is_many": alert.count > 1 ? true : nil,
            "first": PageData.time(alert.firstSeen, now: now), "last": PageData.time(alert.lastSeen, now: now),
            "assignee": alert.assignee, "source": alert.sourceName, "verdict": alert.verdict.map(words),
        ])
    }

    static func details(_ alert: Alert, rule: SigmaRule?, now: Timestamp) -> PageData {
        .of([
            "explanation": alert.explanation, "tags": alert.tags, "runbook": alert.runbook, "owner": alert.owner,
            "comment": alert.comment, "rule": alert.ruleKey, "version": String(alert.ruleVersion),
            "description": rule?.description, "false_positives": rule?.falsePositives ?? [],
            "has_false_positives": rule?.falsePositives.isEmpty ?? true ? nil : true,
            "group": alert.group.map { value -> PageData in ["name": value.name, "value": value.value] },
            "created": PageData.time(alert.created, now: now),
            "same_rule": PagePath.with("/alerts", ["rule": alert.ruleKey, "status": "all"]),
            "same_entity": PagePath.with("/alerts", ["entity": alert.entity, "status": "all"]),
            "silenced": alert.silenced > 0 ? PageNumber.text(alert.silenced) : nil,
            "verdicts": Alert.Verdict.allCases.map { verdict -> PageData in
                ["value": verdict.rawValue, "label": words(verdict)]
            },
        ])
    }

    static func activity(_ activity: AlertActivity, now: Timestamp) -> PageData {
        .of([
            "time": PageData.time(activity.time, now: now), "kind": activity.kind.rawValue,
            "actor": activity.actor ?? "Custody", "detail": activity.detail,
        ])
    }

    private static func words(_ verdict: Alert.Verdict) -> String {
        switch verdict {
        case .truePositive: "true positive: it was what the rule looks for"
        case .falsePositive: "false positive: the rule was wrong"
        case .benign: "benign: right, and allowed"
        }
    }

    /// How loud a severity is shown.
    static func kind(of severity: Severity) -> String {
        switch severity {
        case .critical, .high: "bad"
        case .medium: "warn"
        case .low, .informational: "plain"
        }
    }
}
