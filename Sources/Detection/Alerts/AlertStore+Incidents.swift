import EventModel
package import GRDB

extension AlertStore {
    /// Event time between an alert and the next of the same incident at most: a person who acts again after a quiet day
    /// is another story.
    package static let incidentReach: Int64 = 24 * 3_600 * 1_000_000_000

    /// Incidents, the one with the newest alert first.
    package func incidents(openOnly: Bool = false, before: Int64? = nil, limit: Int = 100) throws -> IncidentPage {
        guard (1...Self.maximumPage).contains(limit) else {
            throw DetectionError(.invalidRequest, "a page has 1 to \(Self.maximumPage) incidents")
        }
        return try writer.read { db in
            let incidents = try Row.fetchAll(
                db,
                sql: """
                    \(Self.aggregates) WHERE incident IS NOT NULL GROUP BY incident
                    HAVING (?1 IS NULL OR newest < ?1) AND (NOT ?2 OR open + acknowledged > 0)
                    ORDER BY newest DESC LIMIT ?3
                    """, arguments: [before, openOnly, limit + 1]
            ).map(Self.incident)
            let page = Array(incidents.prefix(limit))
            return IncidentPage(incidents: page, next: incidents.count > limit ? page.last?.sequence : nil)
        }
    }

    /// - Throws: ``DetectionError`` `unknown_alert`.
    package func incident(_ id: String) throws -> (incident: Incident, alerts: [Alert]) {
        try writer.read { db in
            guard let incident = try Self.incident(id, in: db) else {
                throw DetectionError(.unknownAlert, "no incident has the id \(id)")
            }
            return (incident, try Self.alerts(ofIncident: id, limit: Self.maximumPage, in: db))
        }
    }

    /// An incident as a transaction sees it; nil when none of its alerts exists.
    package static func incident(_ id: String, in db: Database) throws -> Incident? {
        try Row.fetchOne(db, sql: "\(aggregates) WHERE incident = ? GROUP BY incident", arguments: [id])
            .map(incident)
    }

    /// Alerts of an incident in the order in which they were made.
    package static func alerts(ofIncident id: String, limit: Int, in db: Database) throws -> [Alert] {
        try Row.fetchAll(
            db, sql: "SELECT * FROM alert WHERE incident = ? ORDER BY sequence LIMIT ?", arguments: [id, limit]
        ).map(Alert.init)
    }

    /// The incident that a new alert joins, if one is going on.
    static func openIncident(of subject: String, at time: Timestamp, in db: Database) throws -> String? {
        try String.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT incident FROM alert WHERE subject = ? AND status <> 'closed' AND last_seen >= ?
                    AND first_seen <= ? ORDER BY sequence DESC LIMIT 1
                    """),
            arguments: [
                subject, time.advanced(byNanoseconds: -incidentReach).nanoseconds,
                time.advanced(byNanoseconds: incidentReach).nanoseconds,
            ])
    }

    private static let aggregates = """
        SELECT incident, max(sequence) AS newest, min(entity) AS entity, max(severity) AS severity,
        min(first_seen) AS first_seen, max(last_seen) AS last_seen, sum(count) AS count, sum(status = 'open') AS open,
        sum(status = 'acknowledged') AS acknowledged, sum(status = 'closed') AS closed FROM alert
        """

    private static func incident(_ row: Row) -> Incident {
        Incident(
            id: row["incident"], sequence: row["newest"], entity: row["entity"],
            severity: Severity(rank: row["severity"]), firstSeen: Timestamp(nanoseconds: row["first_seen"]),
            lastSeen: Timestamp(nanoseconds: row["last_seen"]), open: row["open"], acknowledged: row["acknowledged"],
            closed: row["closed"], count: row["count"])
    }
}

extension Severity {
    /// The severity of a rank in the alert table.
    init(rank: Int) { self = Self.allCases.indices.contains(rank) ? Self.allCases[rank] : .medium }
}
