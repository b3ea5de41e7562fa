import Detection
import EventModel

/// What one message is about: a change of one alert, or an incident with its alerts.
struct NotificationContent: Sendable {
    enum Occasion: String, Sendable {
        case opened, updated, reminder, acknowledged, assigned, commented, closed, reopened, test
    }

    /// Alerts that a message lists; more are counted.
    static let maximumListed = 20

    let occasion: Occasion
    /// The alert's id or the incident's: messages with the same key stay in order, and receivers join them by it.
    let key: String
    let isIncident: Bool
    let entity: String
    let severity: Severity
    let status: Alert.Status
    let firstSeen: Timestamp
    let lastSeen: Timestamp
    /// In the order in which they were made.
    let alerts: [Alert]
    let alertCount: Int
    let eventCount: Int64
    let time: Timestamp

    /// A change of one alert.
    init?(_ transition: AlertTransition) {
        let occasion: Occasion
        switch transition.kind {
        case .opened, .surfaced: occasion = .opened
        case .acknowledged: occasion = .acknowledged
        case .assigned: occasion = .assigned
        case .commented: occasion = .commented
        case .closed: occasion = .closed
        case .reopened: occasion = .reopened
        case .repeated: return nil
        }
        self.init(transition.alert, occasion, at: transition.time)
    }

    /// An alert as it is.
    init(_ alert: Alert, _ occasion: Occasion, at time: Timestamp) {
        self.occasion = occasion
        key = alert.id
        isIncident = false
        entity = alert.entity
        severity = alert.severity
        status = alert.status
        firstSeen = alert.firstSeen
        lastSeen = alert.lastSeen
        alerts = [alert]
        alertCount = 1
        eventCount = alert.count
        self.time = time
    }

    /// An incident, with those of its alerts that the destination gets; nil when there are none.
    init?(_ incident: String, _ occasion: Occasion, alerts: [Alert], time: Timestamp) {
        guard let first = alerts.first else { return nil }
        key = incident
        isIncident = true
        entity = first.entity
        severity = alerts.map(\.severity).max() ?? first.severity
        status =
            alerts.contains { $0.status == .open }
            ? .open : alerts.contains { $0.status == .acknowledged } ? .acknowledged : .closed
        self.occasion = status == .closed ? .closed : occasion
        firstSeen = alerts.map(\.firstSeen).min() ?? first.firstSeen
        lastSeen = alerts.map(\.lastSeen).max() ?? first.lastSeen
        // What is not settled comes first: a long story must not hide its newest chapter.
        let unsettled = alerts.filter { $0.status != .closed }
        self.alerts = Array((unsettled + alerts.filter { $0.status == .closed }).prefix(Self.maximumListed))
        alertCount = alerts.count
        eventCount = alerts.reduce(0) { $0 + $1.count }
        self.time = time
    }

    /// What the templates can name.
    var values: [String: String] {
        let worst = alerts.max { $0.severity < $1.severity }
        let title = alertCount == 1 ? worst?.ruleTitle : worst.map { "\($0.ruleTitle) and \(alertCount - 1) more" }
        return [
            "title": title ?? "", "severity": severity.rawValue, "status": status.rawValue,
            "occasion": occasion.rawValue, "entity": entity.isEmpty ? "nobody named" : entity,
            "rule": worst?.ruleKey ?? "", "rules": Self.joined(alerts.map(\.ruleTitle)),
            "owner": Self.joined(alerts.compactMap(\.owner)), "tags": Self.joined(alerts.flatMap(\.tags)),
            "source": Self.joined(alerts.map(\.sourceName)), "alerts": String(alertCount), "count": String(eventCount),
            "first_seen": firstSeen.text, "last_seen": lastSeen.text, "id": key,
            "incident": worst?.incident ?? "", "runbook": worst?.runbook ?? "none",
            "explanation": worst?.explanation.joined(separator: "; ") ?? "", "list": list,
            "command": isIncident ? "custody alert list --incident \(key)" : "custody alert show \(key)",
        ]
    }

    private var list: String {
        var lines = alerts.map { alert in
            "- [\(alert.severity.rawValue)] \(alert.ruleTitle): \(alert.count) events, \(alert.status.rawValue)"
        }
        if alertCount > alerts.count { lines.append("- and \(alertCount - alerts.count) more") }
        return lines.joined(separator: "\n")
    }

    private static func joined(_ texts: [String]) -> String {
        var seen: [String] = []
        for text in texts where !seen.contains(text) && !text.isEmpty { seen.append(text) }
        return seen.joined(separator: ", ")
    }
}

extension NotificationContent {
    /// What the test of a destination sends: an alert that says what it is.
    static func test(at time: Timestamp) -> NotificationContent {
        NotificationContent(
            Alert(
                id: "test", sequence: 0, ruleKey: "test", ruleTitle: "Test of a Custody destination", ruleHash: "",
                ruleVersion: 1, kind: .alert, severity: .informational, tags: [],
                runbook: "Nothing: somebody pressed the test button.",
                owner: nil, sourceKind: "custody", sourceName: "custody", status: .open, firstSeen: time,
                lastSeen: time,
                count: 0, unlistedEvidence: 0, silenced: 0, fingerprint: "", incident: nil, entity: "custody",
                group: [],
                explanation: [], assignee: nil, verdict: nil, comment: nil, created: time, updated: time))
    }

    private init(_ alert: Alert) {
        occasion = .test
        key = "test-\(alert.created.nanoseconds)"
        isIncident = false
        entity = alert.entity
        severity = alert.severity
        status = alert.status
        firstSeen = alert.firstSeen
        lastSeen = alert.lastSeen
        alerts = [alert]
        alertCount = 1
        eventCount = 0
        time = alert.created
    }
}
