package import EventModel
package import GRDB
import Synchronization

/// The configured sources: kept in the state database, looked up in memory.
///
/// Credentials and fingerprint keys are sealed at rest by a ``SecretBox``. Changes block on the database;
/// ``source(named:)`` never does.
package final class SourceStore: Sendable {
    /// The source that is there from the start; its connector has the same name (contract, "Sources").
    package static let automatic = "auto"

    private let database: any DatabaseWriter
    private let box: SecretBox
    private let random: RandomBytes
    private let table: Mutex<[String: Source]>

    /// Reads all sources, and adds the source `auto` when it is not there. The database must have the migrations of
    /// ``IdentitySchema``.
    ///
    /// - Throws: ``IdentityError`` `unreadableSecret` when the box is not the one that the secrets were sealed with.
    package init(
        database: any DatabaseWriter, box: SecretBox, now: Timestamp,
        random: @escaping RandomBytes = SecretAlphabet.systemRandom
    ) throws {
        self.database = database
        self.box = box
        self.random = random
        table = Mutex([:])
        try change { _ in }
        if source(named: Self.automatic) == nil {
            _ = try add(name: Self.automatic, connector: Self.automatic, now: now)
        }
    }

    /// The source of a name, disabled ones included; from memory, in well under a microsecond.
    package func source(named name: String) -> Source? { table.withLock { $0[name] } }

    /// All sources by name.
    package func list() -> [Source] { table.withLock { Array($0.values) }.sorted { $0.name < $1.name } }

    /// Adds a source. It can send from the moment this returns.
    ///
    /// - Parameters:
    ///   - connector: its name; that there is such a connector is for the caller to check.
    ///   - secret: what the provider signs with; nil for none. See ``newSecret()``.
    /// - Throws: ``IdentityError`` `invalidName`, `reservedName`, `alreadyExists`, `weakSecret` or `tooMany`.
    package func add(
        name: String, connector: String = automatic, pinnedConnectors: [String] = [], secret: String? = nil,
        retentionClass: UInt16 = 0, now: Timestamp
    ) throws -> Source {
        try SourceName.check(name)
        for connector in [connector] + pinnedConnectors { try SourceName.check(connector) }
        if let secret { try Self.check(secret) }
        guard retentionClass != RetentionClass.records else {
            throw IdentityError(.reservedName, "the retention class \(retentionClass) is custody's own")
        }
        let source = Source(
            name: name, connector: connector, pinnedConnectors: pinnedConnectors, secret: secret, previousSecret: nil,
            previousSecretUntil: nil, fingerprintKey: random(32), retentionClass: retentionClass, isEnabled: true,
            created: now)
        try change { try source.insert(into: $0, sealing: box) }
        return source
    }

    /// A fresh credential, for the caller to show once and to give to ``add(name:connector:pinnedConnectors:secret:retentionClass:now:)``
    /// or ``rotate(name:to:graceSeconds:now:)``.
    package func newSecret() -> String { SecretAlphabet.text(length: SecretAlphabet.secretLength, random: random) }

    /// Replaces a source's credential. The old one stays good for the grace time; zero withdraws it at once.
    ///
    /// - Throws: ``IdentityError`` `notFound` or `weakSecret`.
    package func rotate(
        name: String, to secret: String, graceSeconds: Int64 = SourceLimits.rotationGraceSeconds, now: Timestamp
    ) throws {
        try Self.check(secret)
        let until = now.advanced(byNanoseconds: max(0, graceSeconds) * 1_000_000_000)
        try change { database in
            let sealed = try box.seal(Array(secret.utf8), for: Source.purpose(name, "secret"))
            // The purpose is part of the encryption, so the old secret has to be sealed anew for its new column.
            let old = try source(named: name)?.secret.map {
                try box.seal(Array($0.utf8), for: Source.purpose(name, "previous secret"))
            }
            try database.execute(
                sql: "UPDATE source SET secret = ?, previous_secret = ?, previous_until = ? WHERE name = ?",
                arguments: [sealed, old, until.nanoseconds, name])
            try Self.checkFound(name, in: database)
        }
    }

    /// Stops or starts taking deliveries from a source. What it sent stays searchable.
    ///
    /// - Throws: ``IdentityError`` `notFound`.
    package func setEnabled(_ isEnabled: Bool, name: String) throws {
        try change { database in
            try database.execute(sql: "UPDATE source SET is_enabled = ? WHERE name = ?", arguments: [isEnabled, name])
            try Self.checkFound(name, in: database)
        }
    }

    /// Changes the database, then replaces the table, both on the database's one writer and in this order: see
    /// ``TokenStore``.
    private func change(_ body: (Database) throws -> Void) throws {
        try database.writeWithoutTransaction { database in
            try database.inTransaction {
                try body(database)
                return .commit
            }
            let rows = try Row.fetchAll(database, sql: "SELECT * FROM source")
            let sources = try rows.map { try Source(row: $0, opening: box) }
            let fresh = Dictionary(uniqueKeysWithValues: sources.map { ($0.name, $0) })
            table.withLock { $0 = fresh }
        }
    }

    private static func checkFound(_ name: String, in database: Database) throws {
        guard database.changesCount > 0 else { throw IdentityError(.notFound, "there is no source \(name)") }
    }

    private static func check(_ secret: String) throws {
        guard SourceLimits.secretLength.contains(secret.utf8.count),
            secret.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else {
            throw IdentityError(
                .weakSecret,
                "a source's credential has \(SourceLimits.secretLength.lowerBound) to \(SourceLimits.secretLength.upperBound) bytes "
                    + "without control characters")
        }
    }
}
