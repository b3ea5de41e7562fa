import EventModel
import Foundation
import GRDB
import Identity
import Intake
import Synchronization

/// Which sources read a GitHub organization over its API: those of the configuration file, and those that were connected while the
/// server runs.
///
/// The latter lie in the state database, encrypted as a whole, as destinations do: a private key or a token is in each. Nothing shows
/// them again.
final class GitHubConnections: Sendable {
    static let maximumCount = 100

    enum Origin: String, Sendable { case file, api }

    struct Connection: Sendable {
        let settings: GitHubSettings
        let origin: Origin
    }

    private let database: any DatabaseWriter
    private let box: SecretBox
    private let configured: [Connection]
    private let added = Mutex<[Connection]>([])
    private let running = Mutex<[String: GitHubStreams]>([:])
    private let transportBox: Mutex<any GitHubTransport>
    private let signal: AsyncStream<Void>.Continuation
    /// Says that the connections changed. One reader.
    let changes: AsyncStream<Void>
    /// The registrations of Apps that were begun in a browser.
    let registrations = GitHubRegistrations()

    /// - Throws: ``IdentityError`` `unreadableSecret`.
    init(
        configured: [GitHubSettings], database: any DatabaseWriter, box: SecretBox,
        transport: any GitHubTransport = HTTPPullTransport()
    ) throws {
        self.database = database
        self.box = box
        self.configured = configured.map { Connection(settings: $0, origin: .file) }
        transportBox = Mutex(transport)
        (changes, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        let rows = try database.read { try Row.fetchAll($0, sql: "SELECT * FROM github ORDER BY source") }
        let stored = try rows.map { row in
            let source: String = row["source"]
            let opened = try box.open(row["settings"] as Data, for: Self.purpose(source))
            let entry = try JSONDecoder().decode(GitHubSettings.Entry.self, from: Data(opened))
            return Connection(settings: try GitHubSettings(entry, source: source), origin: .api)
        }
        added.withLock { $0 = stored }
    }

    static func register(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("github") { database in
            try database.execute(
                sql: """
                    CREATE TABLE github (
                        source TEXT PRIMARY KEY,
                        settings BLOB NOT NULL,
                        created INTEGER NOT NULL
                    ) STRICT, WITHOUT ROWID
                    """)
        }
    }

    var transport: any GitHubTransport { transportBox.withLock { $0 } }

    /// Speaks to GitHub by another transport from now on.
    func use(_ transport: any GitHubTransport) {
        transportBox.withLock { $0 = transport }
        signal.yield()
    }

    /// All connections, by source; the file's go before others of the same source.
    func list() -> [Connection] {
        let names = Set(configured.map(\.settings.source))
        let all = configured + added.withLock { $0 }.filter { !names.contains($0.settings.source) }
        return all.sorted { $0.settings.source < $1.settings.source }
    }

    func connection(of source: String) -> Connection? { list().first { $0.settings.source == source } }

    /// Connects a source, or changes how it is connected. Where its streams go on stays.
    ///
    /// - Throws: ``ConfigurationError`` for settings that are not usable, and when the configuration file connects the source.
    func set(_ entry: GitHubSettings.Entry, source: String, now: Timestamp) throws -> Connection {
        let settings = try GitHubSettings(entry, source: source)
        guard !configured.contains(where: { $0.settings.source == source }) else {
            throw ConfigurationError("github \(source): it stands in the configuration file; change it there")
        }
        var kept = entry
        kept.source = source
        let sealed = try box.seal(Array(try JSONEncoder().encode(kept)), for: Self.purpose(source))
        let connection = Connection(settings: settings, origin: .api)
        try added.withLock { added in
            let isNew = !added.contains { $0.settings.source == source }
            guard !isNew || added.count + configured.count < Self.maximumCount else {
                throw ConfigurationError("github: there are \(Self.maximumCount) connections already")
            }
            try database.write {
                try $0.execute(
                    sql: """
                        INSERT INTO github (source, settings, created) VALUES (?, ?, ?)
                        ON CONFLICT (source) DO UPDATE SET settings = excluded.settings
                        """,
                    arguments: [source, sealed, now.nanoseconds])
            }
            added.removeAll { $0.settings.source == source }
            added.append(connection)
        }
        signal.yield()
        return connection
    }

    /// Ends a connection and forgets its credential. What was read stays.
    ///
    /// - Returns: Whether there was one.
    /// - Throws: ``ConfigurationError`` when the configuration file connects the source.
    func remove(_ source: String) throws -> Bool {
        guard !configured.contains(where: { $0.settings.source == source }) else {
            throw ConfigurationError("github \(source): it stands in the configuration file; remove it there")
        }
        let isThere = try added.withLock { added in
            guard added.contains(where: { $0.settings.source == source }) else { return false }
            try database.write { try $0.execute(sql: "DELETE FROM github WHERE source = ?", arguments: [source]) }
            added.removeAll { $0.settings.source == source }
            return true
        }
        signal.yield()
        return isThere
    }

    // MARK: What runs

    func run(_ streams: [GitHubStreams]) {
        running.withLock { $0 = Dictionary(uniqueKeysWithValues: streams.map { ($0.settings.source, $0) }) }
    }

    func streams(of source: String) -> GitHubStreams? { running.withLock { $0[source] } }

    var allStreams: [GitHubStreams] { running.withLock { Array($0.values) } }

    private static func purpose(_ source: String) -> String { "github \(source)" }
}
