import AccessControl
import Detection

extension AlertTransition {
    /// The action under which an alert that opens is on record.
    static let openingAction = "alert.open"

    /// The transition as an event of the source `custody`; nil for repetitions, which the alert counts.
    func auditEntry(actor: Principal?, client: String?) -> AuditEntry? {
        let act: (action: String, activity: String)
        switch kind {
        case .opened: act = (alert.kind == .signal ? "signal.open" : Self.openingAction, "create")
        case .repeated: return nil
        case .surfaced: act = ("alert.surface", "update")
        case .acknowledged: act = ("alert.acknowledge", "update")
        case .assigned: act = ("alert.assign", "update")
        case .commented: act = ("alert.comment", "update")
        case .closed: act = ("alert.close", "update")
        case .reopened: act = ("alert.reopen", "update")
        }
        var details = [
            ("rule", alert.ruleKey), ("rule_title", alert.ruleTitle), ("rule_sha256", alert.ruleHash),
            ("rule_version", String(alert.ruleVersion)), ("severity", alert.severity.rawValue),
            ("entity", alert.entity), ("status", alert.status.rawValue),
        ]
        if let incident = alert.incident { details.append(("incident", incident)) }
        if let silence { details.append(("silence", silence)) }
        if let assignee = alert.assignee { details.append(("assignee", assignee)) }
        if let verdict = alert.verdict { details.append(("verdict", verdict.rawValue)) }
        switch kind {
        case .commented, .reopened: if let detail { details.append(("comment", detail)) }
        default: if let comment = alert.comment { details.append(("comment", comment)) }
        }
        return AuditEntry(
            act.action, activity: act.activity, actor: actor ?? .system, client: client,
            resource: (alert.kind.rawValue, alert.id), details: details)
    }
}
