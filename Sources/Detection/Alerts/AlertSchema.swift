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
                        -- In the order of the key: SQLite 3.40 checks other orders wrongly in its integrity check.
                        alert INTEGER NOT NULL REFERENCES alert (sequence) ON DELETE CASCADE,
                        leaf INTEGER NOT NULL,
                        rule_key TEXT NOT NULL,
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
        migrator.registerMigration("detection-2-life-cycle") { db in try db.execute(sql: lifeCycle) }
        // Signals may be many thousand; what asks for a person is counted and listed without a look at them.
        migrator.registerMigration("detection-3-queue") { db in
            try db.execute(
                sql: """
                    CREATE INDEX alert_queue ON alert (kind, status, severity);
                    CREATE INDEX alert_kind ON alert (kind, sequence);
                    """)
        }
    }

    private static let lifeCycle = """
        ALTER TABLE alert ADD COLUMN kind TEXT NOT NULL DEFAULT 'alert';
        ALTER TABLE alert ADD COLUMN rule_version INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE alert ADD COLUMN owner TEXT;
        ALTER TABLE alert ADD COLUMN source_kind TEXT NOT NULL DEFAULT '';
        ALTER TABLE alert ADD COLUMN source_name TEXT NOT NULL DEFAULT '';
        -- Matches that a silence kept from notifications.
        ALTER TABLE alert ADD COLUMN silenced INTEGER NOT NULL DEFAULT 0;
        -- What the alert is grouped by, and the group that it came into; null for signals.
        ALTER TABLE alert ADD COLUMN subject TEXT;
        ALTER TABLE alert ADD COLUMN incident TEXT;
        CREATE INDEX alert_subject ON alert (subject, sequence);
        CREATE INDEX alert_incident ON alert (incident, sequence);
        CREATE INDEX alert_rule ON alert (rule_key, sequence);
        CREATE TABLE alert_activity (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            alert INTEGER NOT NULL REFERENCES alert (sequence) ON DELETE CASCADE,
            time INTEGER NOT NULL,
            kind TEXT NOT NULL,
            actor TEXT,
            detail TEXT
        ) STRICT;
        CREATE INDEX alert_activity_alert ON alert_activity (alert, sequence);
        CREATE TABLE silence (
            sequence INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            scope TEXT NOT NULL,
            author TEXT NOT NULL,
            reason TEXT NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            ended INTEGER,
            ended_by TEXT,
            hidden INTEGER NOT NULL,
            last_hidden INTEGER
        ) STRICT;
        CREATE TABLE silence_hit (
            silence TEXT NOT NULL,
            alert INTEGER NOT NULL REFERENCES alert (sequence) ON DELETE CASCADE,
            count INTEGER NOT NULL,
            last INTEGER NOT NULL,
            PRIMARY KEY (silence, alert)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE rule_version (
            rule_key TEXT NOT NULL,
            version INTEGER NOT NULL,
            hash TEXT NOT NULL,
            title TEXT NOT NULL,
            first_loaded INTEGER NOT NULL,
            PRIMARY KEY (rule_key, version)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX rule_version_hash ON rule_version (rule_key, hash);
        -- Leaves before this one were judged before a rebuild: silences counted them then.
        ALTER TABLE detection_cursor ADD COLUMN judged_before INTEGER NOT NULL DEFAULT 0;
        """
}
