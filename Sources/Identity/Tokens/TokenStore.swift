package import AccessControl
import Crypto
package import EventModel
package import GRDB
import Synchronization

/// The tokens: kept in the state database as SHA-256 digests, checked in memory.
///
/// A digest without salt or stretching is enough because the secrets are 256 random bits; a token that the operator
/// chooses must be long for the same reason. Changes block on the database; ``authenticate(bearer:now:)`` never does.
package final class TokenStore: Sendable {
    private let database: any DatabaseWriter
    private let random: RandomBytes
    private let table: Mutex<TokenTable>

    /// Reads all tokens. The database must have the migrations of ``IdentitySchema``.
    package init(database: any DatabaseWriter, random: @escaping RandomBytes = SecretAlphabet.systemRandom) throws {
        self.database = database
        self.random = random
        table = Mutex(try database.read { try TokenTable(reading: $0) })
    }

    /// Who presents a token. From memory: no disk, no waiting; about a microsecond, most of it SHA-256.
    ///
    /// A token whose text is wrong is unknown; that it expired or was revoked is told only to who has the right text.
    /// - Throws: ``AccessError`` `unknownCredential`, `expiredCredential` or `revokedCredential`.
    package func authenticate(bearer: String, now: Timestamp) throws(AccessError) -> Principal {
        var bearer = bearer
        let table = table.withLock(\.self)
        let entry = bearer.withUTF8 { text in
            text.count <= TokenLimits.presentedLength
                ? table.entry(presenting: UnsafeRawBufferPointer(text)) : nil
        }
        guard let entry else { throw AccessError(.unknownCredential, "this token is not known") }
        return try Self.principal(of: entry, now: now)
    }

    /// Who acts with a session that was begun with a token: the token decides, for as long as it is good.
    ///
    /// - Throws: as ``authenticate(bearer:now:)``.
    package func principal(ofToken id: String, now: Timestamp) throws(AccessError) -> Principal {
        guard let entry = table.withLock(\.self).entries[id] else {
            throw AccessError(.unknownCredential, "the token of this session is not known")
        }
        return try Self.principal(of: entry, now: now)
    }

    private static func principal(of entry: TokenTable.Entry, now: Timestamp) throws(AccessError) -> Principal {
        guard entry.token.revoked == nil else { throw AccessError(.revokedCredential, "this token was revoked") }
        if let expires = entry.token.expires, now >= expires {
            throw AccessError(.expiredCredential, "this token has expired")
        }
        entry.noteUse(at: now)
        return entry.principal
    }

    /// All tokens, revoked and expired ones included, oldest first.
    package func list() -> [Token] {
        table.withLock(\.self).entries.values.map(\.token)
            .sorted { ($0.created, $0.id) < ($1.created, $1.id) }
    }

    /// Makes a token. It authenticates from the moment this returns.
    ///
    /// - Parameters:
    ///   - sources: for the scope `ingest`, the sources that it may send as; empty for any.
    ///   - expires: nil for ``TokenLimits/defaultLifetimeDays`` from now. There is no token without an expiry but the
    ///     first one.
    /// - Throws: ``IdentityError`` `invalidName`, `invalidScopes`, `invalidExpiry` or `tooMany`; errors of the database.
    package func create(
        name: String, scopes: Set<Principal.Scope>, sources: Set<String> = [], expires: Timestamp? = nil, now: Timestamp
    ) throws -> NewToken {
        try Self.check(name: name)
        guard !scopes.isEmpty else { throw IdentityError(.invalidScopes, "a token needs at least one scope") }
        guard sources.isEmpty || scopes == [.ingest] else {
            throw IdentityError(.invalidScopes, "only a token of the single scope ingest can be bound to sources")
        }
        for source in sources { try SourceName.check(source) }
        let expires = expires ?? now.advanced(byDays: TokenLimits.defaultLifetimeDays)
        guard expires > now else { throw IdentityError(.invalidExpiry, "the expiry lies in the past") }
        guard expires <= now.advanced(byDays: TokenLimits.maximumLifetimeDays) else {
            throw IdentityError(
                .invalidExpiry, "a token lives \(TokenLimits.maximumLifetimeDays) days at most")
        }
        let (id, text) = TokenText.make(random: random)
        let token = Token(
            id: id, name: name, scopes: scopes, sources: sources, created: now, expires: expires, revoked: nil,
            lastUsed: nil)
        try change { try token.insert(into: $0, hash: Self.hash(text), isCustom: false) }
        return NewToken(token: token, text: text)
    }

    /// Withdraws a token for good. Doing so again keeps the first time.
    ///
    /// - Throws: ``IdentityError`` `notFound`; errors of the database.
    package func revoke(id: String, now: Timestamp) throws {
        try change { database in
            try database.execute(
                sql: "UPDATE token SET revoked = coalesce(revoked, ?) WHERE id = ?", arguments: [now.nanoseconds, id])
            guard database.changesCount > 0 else { throw IdentityError(.notFound, "there is no token \(id)") }
        }
    }

    /// Makes sure that somebody can get in: at the first start, makes the admin token and hands it to `keep`.
    ///
    /// It has no expiry, because it is the way back in when every other token has lapsed, and because who can read the
    /// file it lies in can read the whole data directory. Later starts do nothing, whatever `chosen` says: who can set an
    /// environment variable must not become admin of an installation that exists.
    /// - Parameters:
    ///   - chosen: `CUSTODY_ADMIN_TOKEN`: the whole text is the token.
    ///   - keep: writes the text to `keys/admin.token` (0600). It is called before the token counts, so that a crash in
    ///     between leaves a file that the next start replaces, never a token that nobody knows.
    /// - Returns: nil when the installation had its first admin token already.
    /// - Throws: ``IdentityError`` `weakSecret` for a chosen token that is too short or not printable; what `keep` throws.
    package func makeFirstAdminToken(
        chosen: String?, now: Timestamp, keep: (_ text: String) throws -> Void
    ) throws -> NewToken? {
        guard !list().contains(where: { $0.scopes.contains(.admin) }) else { return nil }
        let made = TokenText.make(random: random)
        let text = chosen ?? made.text
        if let chosen { try Self.check(chosen: chosen) }
        let token = Token(
            id: made.id, name: "first admin token", scopes: [.admin], sources: [], created: now, expires: nil,
            revoked: nil, lastUsed: nil)
        try keep(text)
        try change { try token.insert(into: $0, hash: Self.hash(text), isCustom: chosen != nil) }
        return NewToken(token: token, text: text)
    }

    /// Writes the last uses that the database does not know yet, in one transaction. Call it about once a minute and at
    /// the end; what a crash loses is a minute of last uses.
    package func writeLastUses() throws {
        let entries = table.withLock(\.self).entries.values
        let used = entries.compactMap { entry -> (entry: TokenTable.Entry, seconds: Int64)? in
            let seconds = entry.lastUsed.load(ordering: .relaxed)
            return seconds > entry.lastWritten.load(ordering: .relaxed) ? (entry, seconds) : nil
        }
        guard !used.isEmpty else { return }
        // The table is read anew, so that lists show the times.
        try change { database in
            for (entry, seconds) in used {
                try database.execute(
                    sql: "UPDATE token SET last_used = max(coalesce(last_used, 0), ?) WHERE id = ?",
                    arguments: [Timestamp(seconds: seconds).nanoseconds, entry.token.id])
            }
        }
    }

    /// Changes the database, then replaces the table. Both happen on the database's one writer, so that tables replace
    /// each other in the order of the changes, and only after the commit.
    private func change(_ body: (Database) throws -> Void) throws {
        try database.writeWithoutTransaction { database in
            try database.inTransaction {
                try body(database)
                return .commit
            }
            let fresh = try TokenTable(reading: database)
            table.withLock { table in
                fresh.keepUses(of: table)
                table = fresh
            }
        }
    }

    private static func hash(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    private static func check(name: String) throws {
        guard !name.isEmpty, name.utf8.count <= TokenLimits.nameLength,
            name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else {
            throw IdentityError(
                .invalidName, "a token's name has 1 to \(TokenLimits.nameLength) bytes without control characters")
        }
    }

    private static func check(chosen: String) throws {
        let isPrintable = chosen.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard isPrintable, (TokenLimits.customLength...TokenLimits.presentedLength).contains(chosen.utf8.count) else {
            throw IdentityError(
                .weakSecret,
                "CUSTODY_ADMIN_TOKEN must be \(TokenLimits.customLength) to \(TokenLimits.presentedLength) printable "
                    + "ASCII characters without spaces")
        }
    }
}

extension Timestamp {
    func advanced(byDays days: Int64) -> Timestamp { advanced(byNanoseconds: days * 86_400_000_000_000) }
}
