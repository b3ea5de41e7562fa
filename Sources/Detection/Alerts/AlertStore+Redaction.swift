package import EventStore
package import GRDB

extension AlertStore {
    /// Takes the values of events out of the alerts that they are evidence for: entity, group and explanation. The alerts,
    /// their counts and what people decided stay.
    ///
    /// The values leave the database's files too, unless a reader keeps an old page at this moment.
    /// - Returns: the number of alerts that were changed.
    @discardableResult
    package func redact(_ leaves: LeafRanges) throws -> Int {
        var changed = 0
        try writer.writeWithoutTransaction { db in
            // Otherwise old values stay in free pages.
            try db.execute(sql: "PRAGMA secure_delete = ON")
            try db.inTransaction {
                for range in leaves.ranges {
                    try db.execute(
                        sql: """
                            UPDATE alert SET entity = '\(DestroyedValue.text)', group_values = '[]', explanation = '[]', fingerprint = id,
                                subject = id
                            WHERE entity <> '\(DestroyedValue.text)'
                            AND sequence IN (SELECT alert FROM alert_evidence WHERE leaf BETWEEN ? AND ?)
                            """,
                        arguments: [Int64(clamping: range.lowerBound), Int64(clamping: range.upperBound)])
                    changed += db.changesCount
                }
                return .commit
            }
            if changed > 0 { _ = try Row.fetchAll(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        }
        return changed
    }

    /// Lets the database's log go, in which earlier states of its pages are kept.
    package func forgetFreePages() throws {
        try writer.writeWithoutTransaction { _ = try Row.fetchAll($0, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
    }

    /// The alerts that have an event among their evidence, and their incidents.
    package func subjects(of leaves: LeafRanges) throws -> AlertSubjects {
        try writer.read { db in
            var alerts: Set<String> = []
            var incidents: Set<String> = []
            for range in leaves.ranges {
                let rows = try Row.fetchAll(
                    db,
                    sql: """
                        SELECT id, incident FROM alert
                        WHERE sequence IN (SELECT alert FROM alert_evidence WHERE leaf BETWEEN ? AND ?)
                        """, arguments: [Int64(clamping: range.lowerBound), Int64(clamping: range.upperBound)])
                for row in rows {
                    alerts.insert(row["id"])
                    if let incident: String = row["incident"] { incidents.insert(incident) }
                }
            }
            return AlertSubjects(alerts: alerts.sorted(), incidents: incidents.sorted())
        }
    }

    /// An alert as a transaction sees it; nil when there is none.
    package static func storedAlert(_ id: String, in db: Database) throws -> Alert? {
        try Row.fetchOne(db, sql: "SELECT * FROM alert WHERE id = ?", arguments: [id]).map(Alert.init)
    }
}

/// What notifications are about: alerts and incidents, by their ids.
package struct AlertSubjects: Sendable, Hashable {
    package let alerts: [String]
    package let incidents: [String]
}
