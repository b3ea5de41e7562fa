package import EventModel

/// What belongs together: the alerts about one entity (or, where events name none, of one rule) that follow each other
/// within ``AlertStore/incidentReach``. It is derived from its alerts and has no state of its own.
package struct Incident: Hashable, Sendable {
    package let id: String
    /// Its newest alert's place in the order of alerts; what lists continue from.
    package let sequence: Int64
    package let entity: String
    package let severity: Severity
    package let firstSeen: Timestamp
    package let lastSeen: Timestamp
    /// Its alerts by status.
    package let open: Int
    package let acknowledged: Int
    package let closed: Int
    /// Events that matched, over all alerts.
    package let count: Int64

    /// Open while any alert is, else acknowledged while any is, else closed.
    package var status: Alert.Status { open > 0 ? .open : acknowledged > 0 ? .acknowledged : .closed }
    package var alertCount: Int { open + acknowledged + closed }
}

/// A page of incidents, the one with the newest alert first.
package struct IncidentPage: Hashable, Sendable {
    package let incidents: [Incident]
    /// Where the next page begins; nil on the last.
    package let next: Int64?
}
