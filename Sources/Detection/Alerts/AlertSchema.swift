package import GRDB

/// The tables of this module in the state database.
package enum AlertSchema {
    /// Registers this module's migrations. Their names are unique in the program and never change.
    package static func registerMigrations(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("detection-1-alerts") { db in
            try db.execute(
                sql: """
                    CREATE TABLE alert (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                        id TEXT NOT NULL UNIQUE,
                        rule_key TEXT NOT NULL,
                        rule_title TEXT NOT NULL,
                        rule_hash TEXT NOT NULL,
                        severity INTEGER NOT NULL,
                        tags TEXT NOT NULL,
                        runbook TEXT,
                        status TEXT NOT NULL,
                        first_seen INTEGER NOT NULL,
                        last_seen INTEGER NOT NULL,
                        count INTEGER NOT NULL,
                        unlisted_evidence INTEGER NOT NULL,
                        fingerprint TEXT NOT NULL,
                        entity TEXT NOT NULL,
                        group_values TEXT NOT NULL,
                        explanation TEXT NOT NULL,
                        assignee TEXT,
                        verdict TEXT,
                        comment TEXT,
                        created INTEGER NOT NULL,
                        updated INTEGER NOT NULL,
                        -- The view's position when the alert was closed: events before it belong to it for ever.
                        closed_before INTEGER
                    ) STRICT;
                    CREATE INDEX alert_fingerprint ON alert (fingerprint, sequence);
                    CREATE INDEX alert_status ON alert (status, sequence);
                    CREATE TABLE alert_evidence (
                        rule_key TEXT NOT NULL,
                        leaf INTEGER NOT NULL,
                        alert INTEGER NOT NULL REFERENCES alert (sequence) ON DELETE CASCADE,
                        PRIMARY KEY (alert, leaf)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX alert_evidence_leaf ON alert_evidence (rule_key, leaf);
                    CREATE TABLE detection_cursor (
                        id INTEGER PRIMARY KEY CHECK (id = 0),
                        next_leaf INTEGER NOT NULL
                    ) STRICT;
                    INSERT INTO detection_cursor (id, next_leaf) VALUES (0, 0);
                    """)
        }
        DetectionCheckpoint.registerMigrations(in: &migrator)
    }
}
