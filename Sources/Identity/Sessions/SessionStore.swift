package import AccessControl
package import EventModel
import Foundation
package import GRDB
import Synchronization

/// The browsers that are signed in: kept in the state database as SHA-256 digests, checked in memory.
///
/// A digest without salt or stretching is enough because the secrets are 256 random bits. Changes block on the database;
/// ``authenticate(presented:now:)`` never does.
package final class SessionStore: Sendable {
    private struct Entry {
        var session: Session
        let hash: [UInt8]
        /// What the database knows of the last use.
        var written: Timestamp
    }

    private let database: any DatabaseWriter
    private let random: RandomBytes
    private let limit: Int
    private let entries: Mutex<[String: Entry]>

    /// Reads all sessions. The database must have the migrations of ``IdentitySchema``.
    package init(
        database: any DatabaseWriter, random: @escaping RandomBytes = SecretAlphabet.systemRandom,
        limit: Int = SessionLimits.count
    ) throws {
        self.database = database
        self.random = random
        self.limit = limit
        let rows = try database.read { try Row.fetchAll($0, sql: "SELECT * FROM session") }
        let read = rows.map { row in
            let session = Session(row: row)
            return (session.id, Entry(session: session, hash: [UInt8](row["hash"] as Data), written: session.lastUsed))
        }
        entries = Mutex(Dictionary(uniqueKeysWithValues: read))
    }

    /// The session that a browser presents. From memory: no disk, no waiting.
    ///
    /// - Throws: ``AccessError`` `unknownCredential`, or `expiredCredential` when it lasted or was idle too long, which is told
    ///   only to who has the right text.
    package func authenticate(presented: String, now: Timestamp) throws(AccessError) -> Session {
        guard presented.utf8.count <= SessionLimits.presentedLength, let id = SessionText.id(in: presented) else {
            throw AccessError(.unknownCredential, "this session is not known")
        }
        let hash = SessionText.hash(presented)
        let found = entries.withLock { entries -> Session? in
            guard var entry = entries[id], SessionText.areEqual(entry.hash, hash) else { return nil }
            let session = entry.session
            let isNoted = now.seconds - session.lastUsed.seconds < 60
            if !isNoted, now < session.expires, !session.isIdle(at: now) {
                entry.session = session.used(at: now)
                entries[id] = entry
            }
            return session
        }
        guard let found else { throw AccessError(.unknownCredential, "this session is not known, or was ended") }
        guard now < found.expires, !found.isIdle(at: now) else {
            throw AccessError(.expiredCredential, "this session has expired")
        }
        return found
    }

    /// The sessions that are good at a moment, the last used first.
    package func list(now: Timestamp) -> [Session] {
        entries.withLock { $0.values.map(\.session) }
            .filter { now < $0.expires && !$0.isIdle(at: now) }
            .sorted { ($0.lastUsed, $0.id) > ($1.lastUsed, $1.id) }
    }

    /// Signs a browser in that has shown a token.
    ///
    /// - Throws: errors of the database.
    package func start(
        name: String, tokenID: String, client: String?, agent: String?, now: Timestamp
    ) throws -> NewSession {
        try database.write { try insert(into: $0, name: name, tokenID: tokenID, client, agent, now) }
    }

    /// Signs the administrator in whom a set-up link makes, and uses the link up, both or neither.
    ///
    /// - Throws: ``SetUpRefusal``; ``IdentityError`` `invalidName`; errors of the database.
    package func start(
        setUpCode: String, name: String, client: String?, agent: String?, now: Timestamp
    ) throws -> NewSession {
        let name = name.trimmingCharacters(in: .whitespaces)
        guard !name.isEmpty, name.utf8.count <= SessionLimits.nameLength,
            name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            throw IdentityError(
                .invalidName, "a name has 1 to \(SessionLimits.nameLength) bytes without control characters")
        }
        return try database.write { database in
            try SetUpLink.use(setUpCode, by: client, in: database, now: now)
            return try insert(into: database, name: name, tokenID: nil, client, agent, now)
        }
    }

    /// Ends a session. Returns whether there was one.
    ///
    /// - Throws: errors of the database.
    @discardableResult
    package func end(id: String) throws -> Bool {
        // From the moment this is called nobody is let in any more, whatever the disk says.
        let isKnown = entries.withLock { $0.removeValue(forKey: id) != nil }
        try database.write { try $0.execute(sql: "DELETE FROM session WHERE id = ?", arguments: [id]) }
        return isKnown
    }

    /// Forgets sessions that are over, and writes the last uses that the database does not know yet. Call it about once a
    /// minute and at the end.
    package func tidy(now: Timestamp) throws {
        let (ended, used) = entries.withLock { entries in
            let ended = entries.values.map(\.session).filter { now >= $0.expires || $0.isIdle(at: now) }
            for session in ended { entries[session.id] = nil }
            return (ended, entries.values.filter { $0.session.lastUsed > $0.written }.map(\.session))
        }
        guard !ended.isEmpty || !used.isEmpty else { return }
        try database.write { database in
            for session in ended {
                try database.execute(sql: "DELETE FROM session WHERE id = ?", arguments: [session.id])
            }
            for session in used {
                try database.execute(
                    sql: "UPDATE session SET last_used = ? WHERE id = ?",
                    arguments: [session.lastUsed.nanoseconds, session.id])
            }
        }
        entries.withLock { entries in
            for session in used { entries[session.id]?.written = session.lastUsed }
        }
    }

    private func insert(
        into database: Database, name: String, tokenID: String?, _ client: String?, _ agent: String?, _ now: Timestamp
    ) throws -> NewSession {
        let (id, text) = SessionText.make(random: random)
        let session = Session(
            id: id, name: name, tokenID: tokenID, client: client,
            agent: agent.map { String($0.prefix(SessionLimits.agentLength)) }, created: now,
            expires: now.advanced(byNanoseconds: SessionLimits.lifetimeSeconds * 1_000_000_000), lastUsed: now)
        let hash = SessionText.hash(text)
        if let oldest = longestIdle() {
            try database.execute(sql: "DELETE FROM session WHERE id = ?", arguments: [oldest])
            entries.withLock { $0[oldest] = nil }
        }
        try session.insert(into: database, hash: hash)
        database.afterNextTransaction { [self] _ in
            entries.withLock { $0[id] = Entry(session: session, hash: hash, written: now) }
        }
        return NewSession(session: session, text: text)
    }

    /// Whose place a new session takes; nil as long as there is room.
    private func longestIdle() -> String? {
        entries.withLock { entries in
            guard entries.count >= limit else { return nil }
            return entries.values.min { $0.session.lastUsed < $1.session.lastUsed }?.session.id
        }
    }
}
