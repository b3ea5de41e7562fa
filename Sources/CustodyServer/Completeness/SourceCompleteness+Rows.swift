import EventModel
import Foundation
import GRDB
import Intake

extension SourceCompleteness {
    static func register(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("completeness") { database in
            try database.execute(
                sql: """
                    CREATE TABLE source_expectation (
                        name TEXT PRIMARY KEY NOT NULL,
                        every INTEGER,                  -- seconds
                        quiet_hours TEXT,
                        sequence TEXT,
                        partition TEXT,
                        grace INTEGER NOT NULL,         -- seconds
                        since INTEGER NOT NULL
                    );
                    CREATE TABLE source_figures (
                        name TEXT PRIMARY KEY NOT NULL,
                        figures BLOB NOT NULL           -- JSON
                    );
                    CREATE TABLE source_refusals (
                        name TEXT PRIMARY KEY NOT NULL,
                        duplicates INTEGER NOT NULL,
                        rejected INTEGER NOT NULL,
                        refused INTEGER NOT NULL
                    );
                    CREATE TABLE source_finding (
                        number INTEGER PRIMARY KEY AUTOINCREMENT,
                        finding BLOB NOT NULL           -- JSON
                    );
                    CREATE TABLE completeness (
                        one INTEGER PRIMARY KEY CHECK (one = 1),
                        next INTEGER NOT NULL,          -- the leaf behind the last that was followed
                        alive INTEGER NOT NULL          -- when that was written
                    )
                    """)
        }
    }

    /// Where the view was, and when; nil before its first time.
    func position() throws -> (next: LeafIndex, alive: Timestamp)? {
        try database.read { database in
            try Row.fetchOne(database, sql: "SELECT next, alive FROM completeness").map {
                (LeafIndex(UInt64(bitPattern: $0["next"] as Int64)), Timestamp(nanoseconds: $0["alive"]))
            }
        }
    }

    /// Keeps position, figures and findings together, so that a finding is made exactly once. Durable when it returns.
    func save(
        next: LeafIndex, now: Timestamp, changed: [(name: String, figures: SourceTally)],
        findings: [CompletenessFinding]
    ) throws {
        let encoder = JSONEncoder()
        let rows = try changed.map { ($0.name, try encoder.encode($0.figures)) }
        let news = try findings.map { try encoder.encode($0) }
        let unkept = takeUnkept()
        try database.write { database in
            for (name, figures) in rows {
                try database.execute(
                    sql: """
                        INSERT INTO source_figures (name, figures) VALUES (?, ?)
                        ON CONFLICT (name) DO UPDATE SET figures = excluded.figures
                        """, arguments: [name, figures])
            }
            for (name, refusals) in unkept {
                try database.execute(
                    sql: """
                        INSERT INTO source_refusals (name, duplicates, rejected, refused) VALUES (?, ?, ?, ?)
                        ON CONFLICT (name) DO UPDATE SET duplicates = excluded.duplicates, rejected = excluded.rejected,
                            refused = excluded.refused
                        """, arguments: [name, refusals.duplicates, refusals.rejected, refusals.refused])
            }
            for finding in news {
                try database.execute(sql: "INSERT INTO source_finding (finding) VALUES (?)", arguments: [finding])
            }
            try database.execute(
                sql: """
                    INSERT INTO completeness (one, next, alive) VALUES (1, ?, ?)
                    ON CONFLICT (one) DO UPDATE SET next = excluded.next, alive = excluded.alive
                    """, arguments: [Int64(bitPattern: next.rawValue), now.nanoseconds])
        }
        if !findings.isEmpty { findingsAreThere() }
    }

    /// Findings that are not told yet, the oldest first.
    func waitingFindings(limit: Int) async throws -> [(number: Int64, finding: CompletenessFinding)] {
        try await database.read { database in
            try Row.fetchAll(
                database, sql: "SELECT number, finding FROM source_finding ORDER BY number LIMIT ?", arguments: [limit]
            ).map {
                ($0["number"], try JSONDecoder().decode(CompletenessFinding.self, from: $0["finding"] as Data))
            }
        }
    }

    /// Forgets findings that were told.
    func removeFindings(through number: Int64) async throws {
        try await database.write {
            try $0.execute(sql: "DELETE FROM source_finding WHERE number <= ?", arguments: [number])
        }
    }

    func keep(_ expectations: SourceExpectations?, of source: String, now: Timestamp) throws {
        try database.write { database in
            try database.execute(sql: "DELETE FROM source_expectation WHERE name = ?", arguments: [source])
            guard let expectations else { return }
            let sequence = expectations.sequence
            try database.execute(
                sql: """
                    INSERT INTO source_expectation (name, every, quiet_hours, sequence, partition, grace, since)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    source, expectations.everySeconds, expectations.quietHours?.text, sequence?.field.text,
                    sequence?.partition?.text, sequence?.graceSeconds ?? SourceExpectations.usualGraceSeconds,
                    now.nanoseconds,
                ])
        }
    }

    static func expected(in database: Database) throws -> [String: Expected] {
        let rows = try Row.fetchAll(database, sql: "SELECT * FROM source_expectation")
        return Dictionary(
            rows.map { row in
                let field = (row["sequence"] as String?).flatMap { EventFieldPath($0) }
                let expectations = SourceExpectations(
                    everySeconds: row["every"], quietHours: (row["quiet_hours"] as String?).flatMap { QuietHours($0) },
                    sequence: field.map {
                        .init(
                            field: $0, partition: (row["partition"] as String?).flatMap { EventFieldPath($0) },
                            graceSeconds: row["grace"])
                    })
                return (row["name"] as String, Expected(expectations, since: Timestamp(nanoseconds: row["since"])))
            }
        ) { $1 }
    }

    static func figures(in database: Database) throws -> [String: SourceTally] {
        let rows = try Row.fetchAll(database, sql: "SELECT name, figures FROM source_figures")
        return Dictionary(
            try rows.map {
                ($0["name"] as String, try JSONDecoder().decode(SourceTally.self, from: $0["figures"] as Data))
            }
        ) { $1 }
    }

    static func refusals(in database: Database) throws -> [String: Refusals] {
        let rows = try Row.fetchAll(database, sql: "SELECT * FROM source_refusals")
        return Dictionary(
            rows.map {
                (
                    $0["name"] as String,
                    Refusals(duplicates: $0["duplicates"], rejected: $0["rejected"], refused: $0["refused"])
                )
            }
        ) { $1 }
    }
}
