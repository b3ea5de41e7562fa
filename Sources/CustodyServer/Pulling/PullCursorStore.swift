import EventModel
import Foundation
import GRDB
import Intake

/// Where each pull goes on, in the state database.
final class PullCursorStore: Sendable {
    private let database: any DatabaseWriter

    init(database: any DatabaseWriter) { self.database = database }

    static func register(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("pull") { database in
            try database.execute(
                sql: """
                    CREATE TABLE pull (
                        name TEXT PRIMARY KEY,
                        cursor TEXT NOT NULL,
                        saved INTEGER NOT NULL
                    )
                    """)
        }
    }

    func cursor(of name: String) async throws -> PullCursor? {
        try await database.read { database in
            try String.fetchOne(database, sql: "SELECT cursor FROM pull WHERE name = ?", arguments: [name])
                .map(PullCursor.init)
        }
    }

    /// Durable when it returns.
    func save(_ cursor: PullCursor, of name: String, now: Timestamp) async throws {
        try await database.write { database in
            try database.execute(
                sql: """
                    INSERT INTO pull (name, cursor, saved) VALUES (?, ?, ?)
                    ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor, saved = excluded.saved
                    """,
                arguments: [name, cursor.text, now.nanoseconds])
        }
    }
}
