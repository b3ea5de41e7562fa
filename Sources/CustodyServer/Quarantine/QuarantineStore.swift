import EventModel
import Foundation
import GRDB
import Intake

/// Deliveries and entries that were refused, kept so that a person can look into them and send them again.
///
/// Bounded: beyond ``maximumEntries`` the oldest go first, and how many went is counted.
final class QuarantineStore: Sendable {
    static let maximumEntries = 10_000
    /// Bytes kept of one entry; what is longer is cut, and says so.
    static let maximumBytes = 256 << 10

    struct Entry: Sendable, Codable, FetchableRecord {
        let id: Int64
        let time: Int64
        let source: String
        let reason: String
        let size: Int
        let bytes: Data

        /// False when the entry was longer than what is kept.
        var isWhole: Bool { bytes.count == size }
    }

    private let database: any DatabaseWriter

    init(database: any DatabaseWriter) { self.database = database }

    static func register(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("quarantine") { database in
            try database.execute(
                sql: """
                    CREATE TABLE quarantine (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        time INTEGER NOT NULL,
                        source TEXT NOT NULL,
                        reason TEXT NOT NULL,
                        size INTEGER NOT NULL,
                        bytes BLOB NOT NULL
                    )
                    """)
        }
    }

    /// Keeps refused entries.
    func add(_ entries: [RejectedEntry], source: String, now: Timestamp) async throws {
        guard !entries.isEmpty else { return }
        try await database.write { database in
            for entry in entries.prefix(Self.maximumEntries) {
                try database.execute(
                    sql: "INSERT INTO quarantine (time, source, reason, size, bytes) VALUES (?, ?, ?, ?, ?)",
                    arguments: [
                        now.nanoseconds, source, entry.reason, entry.bytes.count,
                        Data(entry.bytes.prefix(Self.maximumBytes)),
                    ])
            }
            try database.execute(
                sql: "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?",
                arguments: [Self.maximumEntries])
        }
    }

    /// The newest entries, of one source or of all.
    func list(source: String?, limit: Int) async throws -> [Entry] {
        try await database.read { database in
            try Entry.fetchAll(
                database,
                sql: """
                    SELECT * FROM quarantine WHERE ?1 IS NULL OR source = ?1 ORDER BY id DESC LIMIT ?2
                    """, arguments: [source, limit])
        }
    }

    /// The oldest entries of a source behind an id.
    func oldest(source: String, after id: Int64, limit: Int) async throws -> [Entry] {
        try await database.read { database in
            try Entry.fetchAll(
                database, sql: "SELECT * FROM quarantine WHERE source = ? AND id > ? ORDER BY id LIMIT ?",
                arguments: [source, id, limit])
        }
    }

    /// How many entries of a source there are.
    func count(source: String) async throws -> Int {
        try await database.read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM quarantine WHERE source = ?", arguments: [source]) ?? 0
        }
    }

    func entry(_ id: Int64) async throws -> Entry? {
        try await database.read {
            try Entry.fetchOne($0, sql: "SELECT * FROM quarantine WHERE id = ?", arguments: [id])
        }
    }

    /// Forgets an entry that was taken after all.
    func remove(_ id: Int64) async throws {
        try await database.write { try $0.execute(sql: "DELETE FROM quarantine WHERE id = ?", arguments: [id]) }
    }

    /// Takes the bytes away of entries of a source that hold any of these values; that they were refused, and why, stays.
    ///
    /// - Parameter values: bytes as they stood in the event; escapes that JSON may write them with are not looked for.
    /// - Returns: how many entries that were.
    /// - Complexity: reads all entries of the source once, for each value.
    @discardableResult
    func blank(holding values: [[UInt8]], source: String) async throws -> Int {
        try await database.writeWithoutTransaction { database in
            // Otherwise old values stay in free pages.
            try database.execute(sql: "PRAGMA secure_delete = ON")
            var blanked = 0
            try database.inTransaction {
                var ids: [Int64] = []
                let rows = try Entry.fetchCursor(
                    database, sql: "SELECT * FROM quarantine WHERE source = ? AND length(bytes) > 0",
                    arguments: [source])
                while let entry = try rows.next() {
                    let holds = values.contains {
                        entry.bytes.range(of: Data($0)) != nil || Data(entry.reason.utf8).range(of: Data($0)) != nil
                    }
                    if holds { ids.append(entry.id) }
                }
                for id in ids {
                    try database.execute(
                        sql: "UPDATE quarantine SET bytes = x'', reason = ? WHERE id = ?",
                        arguments: ["refused; its bytes were erased with an event", id])
                }
                blanked = ids.count
                return .commit
            }
            if blanked > 0 { _ = try Row.fetchAll(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
            return blanked
        }
    }

    func count() async throws -> Int {
        try await database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM quarantine") ?? 0 }
    }
}
