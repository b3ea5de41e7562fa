package import EventStore
import GRDB

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
                            UPDATE alert SET entity = '[redacted]', group_values = '[]', explanation = '[]', fingerprint = id
                            WHERE entity <> '[redacted]'
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
}
