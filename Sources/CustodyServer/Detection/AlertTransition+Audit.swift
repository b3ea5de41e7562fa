import AccessControl
import Detection

extension AlertTransition {
    /// The transition as an event of the source `custody`; nil for repetitions, which the alert counts.
    func auditEntry(actor: Principal?, client: String?) -> AuditEntry? {
        let act: (action: String, activity: String)
        switch kind {
        case .opened: act = ("alert.open", "create")
        case .repeated: return nil
        case .acknowledged: act = ("alert.acknowledge", "update")
        case .assigned: act = ("alert.assign", "update")
        case .closed: act = ("alert.close", "update")
        }
        var details = [
            ("rule", alert.ruleKey), ("rule_title", alert.ruleTitle), ("rule_sha256", alert.ruleHash),
            ("severity", alert.severity.rawValue), ("entity", alert.entity), ("status", alert.status.rawValue),
        ]
        if let assignee = alert.assignee { details.append(("assignee", assignee)) }
        if let verdict = alert.verdict { details.append(("verdict", verdict.rawValue)) }
        if let comment = alert.comment { details.append(("comment", comment)) }
        return AuditEntry(
            act.action, activity: act.activity, actor: actor ?? .system, client: client,
            resource: ("alert", alert.id), details: details)
    }
}
