import AccessControl
import EventModel
import Foundation
import GRDB
import Synchronization

extension Token {
    func insert(into database: Database, hash: [UInt8], isCustom: Bool) throws {
        let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM token") ?? 0
        guard count < TokenLimits.count else {
            throw IdentityError(.tooMany, "there are \(TokenLimits.count) tokens already")
        }
        try database.execute(
            sql: """
                INSERT INTO token (id, name, hash, is_custom, scopes, sources, created, expires)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                id, name, Data(hash), isCustom, scopes.map(\.rawValue).sorted().joined(separator: " "),
                sources.sorted().joined(separator: " "), created.nanoseconds, expires?.nanoseconds,
            ])
    }

    init(row: Row) {
        func time(_ column: String) -> Timestamp? { (row[column] as Int64?).map(Timestamp.init(nanoseconds:)) }
        self.init(
            id: row["id"], name: row["name"],
            // A scope that this version does not know grants nothing.
            scopes: Set((row["scopes"] as String).split(separator: " ").compactMap { .init(rawValue: String($0)) }),
            sources: Set((row["sources"] as String).split(separator: " ").map(String.init)),
            created: time("created") ?? Timestamp(nanoseconds: 0), expires: time("expires"), revoked: time("revoked"),
            lastUsed: time("last_used"))
    }
}

extension TokenTable {
    convenience init(reading database: Database) throws {
        let rows = try Row.fetchAll(database, sql: "SELECT * FROM token")
        self.init(
            rows.map { row in
                (Entry(token: Token(row: row), hash: [UInt8](row["hash"] as Data)), row["is_custom"])
            })
    }

    /// Takes over the uses that were noted since they were last written.
    func keepUses(of old: TokenTable) {
        for (id, entry) in old.entries {
            guard let fresh = entries[id] else { continue }
            let used = entry.lastUsed.load(ordering: .relaxed)
            if used > fresh.lastUsed.load(ordering: .relaxed) { fresh.lastUsed.store(used, ordering: .relaxed) }
        }
    }
}
