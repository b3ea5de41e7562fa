package import EventModel
import GRDB

extension AlertStore {
    /// How many alerts and signals of some rules have evidence among some leaves.
    package func counts(
        ofRules keys: Set<String>, evidenceIn leaves: ClosedRange<LeafIndex>
    ) throws -> (alerts: Int, signals: Int) {
        try writer.read { db in
            var (alerts, signals) = (0, 0)
            for key in keys {
                let rows = try Row.fetchAll(
                    db,
                    sql: """
                        SELECT kind, count(*) AS count FROM alert WHERE rule_key = ?1 AND EXISTS (
                            SELECT 1 FROM alert_evidence WHERE alert = alert.sequence AND leaf BETWEEN ?2 AND ?3)
                        GROUP BY kind
                        """, arguments: Self.arguments(key, leaves))
                for row in rows {
                    if row["kind"] == Alert.Kind.signal.rawValue {
                        signals += row["count"]
                    } else {
                        alerts += row["count"]
                    }
                }
            }
            return (alerts, signals)
        }
    }

    /// The leaves that are listed as evidence for some rules, among some leaves, up to a limit.
    package func evidence(
        ofRules keys: Set<String>, in leaves: ClosedRange<LeafIndex>, limit: Int
    ) throws -> Set<LeafIndex> {
        try writer.read { db in
            var found: Set<LeafIndex> = []
            for key in keys {
                let rows = try Int64.fetchAll(
                    db,
                    sql:
                        "SELECT DISTINCT leaf FROM alert_evidence WHERE rule_key = ?1 AND leaf BETWEEN ?2 AND ?3 LIMIT ?4",
                    arguments: Self.arguments(key, leaves) + [limit])
                found.formUnion(rows.map { LeafIndex(UInt64(bitPattern: $0)) })
            }
            return found
        }
    }

    private static func arguments(_ key: String, _ leaves: ClosedRange<LeafIndex>) -> StatementArguments {
        [key, Int64(bitPattern: leaves.lowerBound.rawValue), Int64(bitPattern: leaves.upperBound.rawValue)]
    }
}
