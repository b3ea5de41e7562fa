import EventModel
import Foundation
import GRDB

extension Session {
    func insert(into database: Database, hash: [UInt8]) throws {
        try database.execute(
            sql: """
                INSERT INTO session (id, name, hash, token_id, client, agent, created, expires, last_used)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                id, name, Data(hash), tokenID, client, agent, created.nanoseconds, expires.nanoseconds,
                lastUsed.nanoseconds,
            ])
    }

    init(row: Row) {
        self.init(
            id: row["id"], name: row["name"], tokenID: row["token_id"], client: row["client"], agent: row["agent"],
            created: Timestamp(nanoseconds: row["created"]), expires: Timestamp(nanoseconds: row["expires"]),
            lastUsed: Timestamp(nanoseconds: row["last_used"]))
    }

    func used(at now: Timestamp) -> Session {
        Session(
            id: id, name: name, tokenID: tokenID, client: client, agent: agent, created: created, expires: expires,
            lastUsed: now)
    }
}
