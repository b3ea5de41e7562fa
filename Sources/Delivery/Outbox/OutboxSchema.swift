package import GRDB

/// The table of this module in the state database.
package enum OutboxSchema {
    /// Registers this module's migrations. Their names are unique in the program and never change.
    package static func registerMigrations(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("delivery-1-outbox") { db in
            try db.execute(
                sql: """
                    CREATE TABLE delivery_outbox (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                        message TEXT NOT NULL UNIQUE,
                        destination TEXT NOT NULL,
                        alert TEXT NOT NULL,
                        body BLOB NOT NULL,
                        state TEXT NOT NULL,
                        attempts INTEGER NOT NULL,
                        next_attempt INTEGER NOT NULL,
                        last_error TEXT,
                        created INTEGER NOT NULL,
                        updated INTEGER NOT NULL
                    ) STRICT;
                    CREATE INDEX delivery_outbox_due ON delivery_outbox (state, next_attempt);
                    """)
        }
        migrator.registerMigration("delivery-2-groups") { db in
            try db.execute(
                sql: """
                    CREATE INDEX delivery_outbox_order ON delivery_outbox (destination, alert, state, sequence);
                    CREATE TABLE delivery_group (
                        destination TEXT NOT NULL,
                        incident TEXT NOT NULL,
                        -- When the next message is to be made; null when nothing is to be told.
                        due INTEGER,
                        -- When the last one was made; null before the first.
                        sent INTEGER,
                        -- Changes since then.
                        changes INTEGER NOT NULL,
                        PRIMARY KEY (destination, incident)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX delivery_group_due ON delivery_group (due) WHERE due IS NOT NULL;
                    """)
        }
        migrator.registerMigration("delivery-3-latest") { db in
            try db.execute(
                sql: "CREATE INDEX delivery_outbox_latest ON delivery_outbox (destination, state, updated)")
        }
    }
}
