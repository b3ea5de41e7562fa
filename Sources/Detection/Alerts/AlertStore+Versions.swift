package import EventModel
import GRDB

extension AlertStore {
    /// Takes note of the rules that are in force: a text that was not seen before is the rule's next version.
    package func register(_ rules: [SigmaRule]) throws {
        let time = now()
        try writer.write { db in
            for rule in rules { _ = try Self.version(of: rule, at: time, in: db) }
        }
    }

    /// The versions of a rule, the newest first.
    package func versions(of key: String) throws -> [RuleVersion] {
        try writer.read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM rule_version WHERE rule_key = ? ORDER BY version DESC", arguments: [key]
            ).map {
                RuleVersion(
                    rule: $0["rule_key"], version: $0["version"], hash: $0["hash"], title: $0["title"],
                    firstLoaded: Timestamp(nanoseconds: $0["first_loaded"]))
            }
        }
    }

    /// How many alerts and signals each rule has, and when it last matched.
    package func tallies() throws -> [String: (alerts: Int64, signals: Int64, lastSeen: Timestamp)] {
        try writer.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT rule_key, sum(kind = 'alert') AS alerts, sum(kind = 'signal') AS signals,
                    max(last_seen) AS last_seen FROM alert GROUP BY rule_key
                    """)
            return Dictionary(
                rows.map {
                    ($0["rule_key"], ($0["alerts"], $0["signals"], Timestamp(nanoseconds: $0["last_seen"])))
                }
            ) { first, _ in first }
        }
    }

    static func version(of rule: SigmaRule, at time: Timestamp, in db: Database) throws -> Int64 {
        let known = try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT version FROM rule_version WHERE rule_key = ? AND hash = ?"),
            arguments: [rule.key, rule.hash])
        if let known { return known }
        let next =
            (try Int64.fetchOne(
                db, sql: "SELECT max(version) FROM rule_version WHERE rule_key = ?", arguments: [rule.key]) ?? 0) + 1
        try db.execute(
            sql: "INSERT INTO rule_version (rule_key, version, hash, title, first_loaded) VALUES (?, ?, ?, ?, ?)",
            arguments: [rule.key, next, rule.hash, rule.title, time.nanoseconds])
        return next
    }
}
