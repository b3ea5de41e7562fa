import EventModel
import GRDB

/// What the last check by the server itself found, in the state database: so that a yes is told once, and a pack that changed while
/// the server stood still is noticed.
final class ExposureMemory: Sendable {
    private let database: any DatabaseWriter

    init(database: any DatabaseWriter) { self.database = database }

    static func register(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("exposure") { database in
            try database.execute(
                sql: """
                    CREATE TABLE exposure (
                        incident TEXT PRIMARY KEY,
                        answer TEXT NOT NULL,
                        changed INTEGER NOT NULL
                    );
                    CREATE TABLE exposure_check (
                        one INTEGER PRIMARY KEY CHECK (one = 1),
                        pack TEXT NOT NULL,
                        checked INTEGER NOT NULL,
                        next INTEGER NOT NULL
                    )
                    """)
        }
        migrator.registerMigration("exposure-seen") { database in
            try database.execute(sql: "ALTER TABLE exposure_check ADD COLUMN seen INTEGER NOT NULL DEFAULT 0")
        }
    }

    /// Whether somebody has looked at what a check found.
    func wasSeen() async throws -> Bool {
        try await database.read { try Bool.fetchOne($0, sql: "SELECT seen FROM exposure_check") ?? false }
    }

    /// Remembers that somebody has looked. Writes once.
    func markSeen() async throws {
        guard try await !wasSeen() else { return }
        try await database.write { try $0.execute(sql: "UPDATE exposure_check SET seen = 1") }
    }

    /// The last check: the pack's digest, and the leaf behind the last that there was. Nil before the first.
    func last() async throws -> (pack: String, next: UInt64)? {
        try await database.read { database in
            try Row.fetchOne(database, sql: "SELECT pack, next FROM exposure_check").map {
                ($0["pack"], UInt64(bitPattern: $0["next"] as Int64))
            }
        }
    }

    /// The answers that are known, by incident.
    func answers() async throws -> [String: String] {
        try await database.read { database in
            let rows = try Row.fetchAll(database, sql: "SELECT incident, answer FROM exposure")
            return Dictionary(rows.map { ($0["incident"] as String, $0["answer"] as String) }) { $1 }
        }
    }

    /// Keeps an answer, once it has been told. Durable when it returns.
    func keep(_ answer: String, of incident: String, now: Timestamp) async throws {
        try await database.write { database in
            try database.execute(
                sql: """
                    INSERT INTO exposure (incident, answer, changed) VALUES (?, ?, ?)
                    ON CONFLICT (incident) DO UPDATE SET answer = excluded.answer, changed = excluded.changed
                    """,
                arguments: [incident, answer, now.nanoseconds])
        }
    }

    func finish(pack: String, next: UInt64, now: Timestamp) async throws {
        try await database.write { database in
            try database.execute(
                sql: """
                    INSERT INTO exposure_check (one, pack, checked, next) VALUES (1, ?, ?, ?)
                    ON CONFLICT (one) DO UPDATE
                    SET pack = excluded.pack, checked = excluded.checked, next = excluded.next
                    """,
                arguments: [pack, now.nanoseconds, Int64(bitPattern: next)])
        }
    }
}
