package import EventModel
import Foundation
package import GRDB

/// Why a set-up link does not work. Pages say so and what to do.
package enum SetUpRefusal: Error, Equatable, Sendable {
    case unknown
    case expired
    /// Somebody used it, then and from there.
    case used(at: Timestamp, client: String?)
}

/// The one-time link with which the first administrator gets in with a browser: 256 random bits, of which only the
/// digest is kept.
///
/// It is good once and for ``SessionLimits/setUpSeconds``. Opening it uses nothing up, so that a program that looks at links
/// before a person does, and a browser that is closed, do no harm: the form behind it does. Each start of a server whose
/// set-up is not done makes a new one, and those before it are good no more.
package struct SetUpLink: Sendable {
    private let database: any DatabaseWriter
    private let random: RandomBytes

    package init(database: any DatabaseWriter, random: @escaping RandomBytes = SecretAlphabet.systemRandom) {
        self.database = database
        self.random = random
    }

    /// Makes the code of a link; nil when the set-up was done, however long ago.
    ///
    /// - Throws: errors of the database.
    package func make(now: Timestamp) throws -> String? {
        let code = SecretAlphabet.text(length: SecretAlphabet.secretLength, random: random)
        let expires = now.advanced(byNanoseconds: SessionLimits.setUpSeconds * 1_000_000_000)
        return try database.write { database in
            let isDone = try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM set_up WHERE used IS NOT NULL)")
            guard isDone != true else { return nil }
            // The older ones are kept as expired, so that who opens one is told what it was.
            try database.execute(
                sql: "UPDATE set_up SET expires = min(expires, ?)", arguments: [now.nanoseconds])
            try database.execute(
                sql: """
                    DELETE FROM set_up WHERE hash NOT IN (SELECT hash FROM set_up ORDER BY created DESC LIMIT ?)
                    """, arguments: [Self.remembered])
            try database.execute(
                sql: "INSERT INTO set_up (hash, created, expires) VALUES (?, ?, ?)",
                arguments: [Data(SessionText.hash(code)), now.nanoseconds, expires.nanoseconds])
            return code
        }
    }

    /// Links before the last one that are still known as what they were.
    private static let remembered = 100

    /// Says why a code is not good; nil when it is.
    ///
    /// - Throws: errors of the database.
    package func refusal(of code: String, now: Timestamp) throws -> SetUpRefusal? {
        try database.read { try Self.refusal(of: code, in: $0, now: now) }
    }

    /// Uses a code up.
    ///
    /// - Throws: ``SetUpRefusal``.
    static func use(_ code: String, by client: String?, in database: Database, now: Timestamp) throws {
        if let refusal = try refusal(of: code, in: database, now: now) { throw refusal }
        try database.execute(
            sql: "UPDATE set_up SET used = ?, used_from = ? WHERE hash = ?",
            arguments: [now.nanoseconds, client, Data(SessionText.hash(code))])
    }

    /// Makes a code good again whose use could not be put on record.
    ///
    /// - Throws: errors of the database.
    package func reopen(_ code: String) throws {
        try database.write { database in
            try database.execute(
                sql: "UPDATE set_up SET used = NULL, used_from = NULL WHERE hash = ?",
                arguments: [Data(SessionText.hash(code))])
        }
    }

    private static func refusal(of code: String, in database: Database, now: Timestamp) throws -> SetUpRefusal? {
        guard code.utf8.count <= SessionLimits.presentedLength,
            let row = try Row.fetchOne(
                database, sql: "SELECT * FROM set_up WHERE hash = ?", arguments: [Data(SessionText.hash(code))])
        else { return .unknown }
        if let used = row["used"] as Int64? {
            return .used(at: Timestamp(nanoseconds: used), client: row["used_from"])
        }
        return now.nanoseconds < (row["expires"] as Int64) ? nil : .expired
    }
}
