import EventModel
import Foundation
import GRDB

extension Source {
    /// What a sealed value is for: sealed values cannot be moved to another source or column.
    static func purpose(_ name: String, _ column: String) -> String { "source \(name), \(column)" }

    func insert(into database: Database, sealing box: SecretBox) throws {
        let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM source") ?? 0
        guard count < SourceLimits.count else {
            throw IdentityError(.tooMany, "there are \(SourceLimits.count) sources already")
        }
        let known = try Bool.fetchOne(
            database, sql: "SELECT EXISTS (SELECT 1 FROM source WHERE name = ?)", arguments: [name])
        guard known != true else { throw IdentityError(.alreadyExists, "there is a source \(name) already") }
        try database.execute(
            sql: """
                INSERT INTO source (name, connector, pinned, secret, fingerprint_key, retention_class, is_enabled, created)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                name, connector, pinnedConnectors.joined(separator: " "),
                try secret.map { try box.seal(Array($0.utf8), for: Self.purpose(name, "secret")) },
                try box.seal(fingerprintKey, for: Self.purpose(name, "fingerprint key")),
                Int64(retentionClass), isEnabled, created.nanoseconds,
            ])
    }

    init(row: Row, opening box: SecretBox) throws {
        let name: String = row["name"]
        func text(_ column: String, _ purpose: String) throws -> String? {
            guard let sealed = row[column] as Data? else { return nil }
            return String(decoding: try box.open(sealed, for: Self.purpose(name, purpose)), as: UTF8.self)
        }
        self.init(
            name: name, connector: row["connector"],
            pinnedConnectors: (row["pinned"] as String).split(separator: " ").map(String.init),
            secret: try text("secret", "secret"), previousSecret: try text("previous_secret", "previous secret"),
            previousSecretUntil: (row["previous_until"] as Int64?).map(Timestamp.init(nanoseconds:)),
            fingerprintKey: try box.open(row["fingerprint_key"], for: Self.purpose(name, "fingerprint key")),
            retentionClass: UInt16(truncatingIfNeeded: row["retention_class"] as Int64), isEnabled: row["is_enabled"],
            created: Timestamp(nanoseconds: row["created"]))
    }
}
