package import GRDB

/// The tables of this module in the state database.
package enum IdentitySchema {
    /// Adds the migrations. They are immutable once released; a change is a further migration.
    package static func register(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("identity-1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE token (
                        id TEXT PRIMARY KEY NOT NULL,
                        name TEXT NOT NULL,
                        hash BLOB NOT NULL UNIQUE,      -- SHA-256 of the token's text
                        is_custom INTEGER NOT NULL,     -- chosen by the operator: the text does not name the id
                        scopes TEXT NOT NULL,           -- separated by spaces
                        sources TEXT NOT NULL,          -- separated by spaces; empty for any
                        created INTEGER NOT NULL,       -- nanoseconds since 1970, as all times here
                        expires INTEGER,
                        revoked INTEGER,
                        last_used INTEGER
                    ) STRICT;
                    CREATE TABLE source (
                        name TEXT PRIMARY KEY NOT NULL,
                        connector TEXT NOT NULL,
                        pinned TEXT NOT NULL,           -- connectors that `auto` may choose from, separated by spaces
                        secret BLOB,                    -- sealed with keys/secrets.key
                        previous_secret BLOB,           -- sealed; accepted until previous_until
                        previous_until INTEGER,
                        fingerprint_key BLOB NOT NULL,  -- sealed
                        retention_class INTEGER NOT NULL,
                        is_enabled INTEGER NOT NULL,
                        created INTEGER NOT NULL
                    ) STRICT;
                    """)
        }
        migrator.registerMigration("identity-2") { database in
            try database.execute(
                sql: """
                    CREATE TABLE session (
                        id TEXT PRIMARY KEY NOT NULL,
                        name TEXT NOT NULL,
                        hash BLOB NOT NULL,             -- SHA-256 of the cookie's value
                        token_id TEXT,                  -- the token that was shown; NULL for the set-up's administrator
                        client TEXT,
                        agent TEXT,
                        created INTEGER NOT NULL,
                        expires INTEGER NOT NULL,
                        last_used INTEGER NOT NULL
                    ) STRICT;
                    CREATE TABLE set_up (
                        hash BLOB PRIMARY KEY NOT NULL, -- SHA-256 of the link's code
                        created INTEGER NOT NULL,
                        expires INTEGER NOT NULL,
                        used INTEGER,
                        used_from TEXT
                    ) STRICT;
                    """)
        }
        migrator.registerMigration("identity-3") { database in
            try database.execute(
                sql: """
                    CREATE TABLE workload_binding (
                        name TEXT PRIMARY KEY NOT NULL,
                        settings TEXT NOT NULL,         -- JSON: issuer, audiences, claims, source …
                        created INTEGER NOT NULL
                    ) STRICT;
                    CREATE TABLE used_workload_token (
                        fingerprint BLOB PRIMARY KEY NOT NULL, -- SHA-256 of issuer and token id
                        expires INTEGER NOT NULL        -- seconds since 1970: until then it stays here
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX used_workload_token_expires ON used_workload_token (expires);
                    """)
        }
    }
}
