package import EventModel
import Foundation
package import GRDB

/// The state of all operators as it is before a leaf.
///
/// It is written in the transaction that moves detection's cursor to the same leaf, or not at all: restored, it continues
/// with exactly the leaves that it has not seen. It may be older than the cursor; detection then goes through the leaves in
/// between again, and what they raise is known already.
package struct DetectionCheckpoint: Hashable, Sendable {
    /// One operator's state.
    package struct OperatorState: Hashable, Sendable {
        /// The key of the operator's rule.
        package let rule: String
        /// Of which definition (rule text and those of its inputs) the state is; another definition begins anew.
        package let definition: String
        package let bytes: [UInt8]

        package init(rule: String, definition: String, bytes: [UInt8]) {
            self.rule = rule
            self.definition = definition
            self.bytes = bytes
        }
    }

    /// The first leaf that is not in the state.
    package let next: LeafIndex
    package let operators: [OperatorState]

    package init(next: LeafIndex, operators: [OperatorState]) {
        self.next = next
        self.operators = operators
    }

    /// Registers the tables of checkpoints. Names of migrations are unique in the program and never change.
    package static func registerMigrations(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("detection-state-1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE detection_state (
                        rule_key TEXT PRIMARY KEY,
                        definition TEXT NOT NULL,
                        bytes BLOB NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE detection_state_position (
                        id INTEGER PRIMARY KEY CHECK (id = 0),
                        next_leaf INTEGER NOT NULL
                    ) STRICT;
                    """)
        }
    }

    /// Replaces the stored checkpoint, inside the transaction that moves the cursor.
    package func write(in db: Database) throws {
        try db.execute(sql: "DELETE FROM detection_state; DELETE FROM detection_state_position;")
        let insert = try db.cachedStatement(
            sql: "INSERT INTO detection_state (rule_key, definition, bytes) VALUES (?, ?, ?)")
        for state in operators {
            try insert.execute(arguments: [state.rule, state.definition, Data(state.bytes)])
        }
        try db.execute(
            sql: "INSERT INTO detection_state_position (id, next_leaf) VALUES (0, ?)",
            arguments: [Int64(bitPattern: next.rawValue)])
    }

    /// The stored checkpoint; nil when none was written since the start or the last rebuild.
    package static func read(in db: Database) throws -> DetectionCheckpoint? {
        guard let next = try Int64.fetchOne(db, sql: "SELECT next_leaf FROM detection_state_position") else {
            return nil
        }
        let operators = try Row.fetchAll(
            db, sql: "SELECT rule_key, definition, bytes FROM detection_state ORDER BY rule_key"
        ).map { row in
            OperatorState(rule: row["rule_key"], definition: row["definition"], bytes: Array(row["bytes"] as Data))
        }
        return DetectionCheckpoint(next: LeafIndex(UInt64(bitPattern: next)), operators: operators)
    }

    /// Forgets the stored checkpoint, before everything is judged again.
    static func delete(in db: Database) throws {
        try db.execute(sql: "DELETE FROM detection_state; DELETE FROM detection_state_position;")
    }
}
