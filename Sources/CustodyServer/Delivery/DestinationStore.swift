import Delivery
import EventModel
import Foundation
import GRDB
import Identity
import Synchronization

/// The destinations of notifications: those of the configuration file, and those that were added while the server runs.
///
/// The latter lie in the state database, encrypted as a whole: what is secret in them differs from kind to kind. They are
/// looked up in memory.
final class DestinationStore: Sendable {
    /// Destinations of both sorts.
    static let maximumCount = 200

    enum Origin: String, Sendable { case file, api }

    struct Entry: Sendable {
        let destination: Destination
        let origin: Origin
        let settings: DestinationSettings
    }

    private let database: any DatabaseWriter
    private let box: SecretBox
    private let configured: [Entry]
    private let added = Mutex<[Entry]>([])

    /// - Throws: ``DeliveryError`` for a configured destination that is not usable; ``IdentityError`` `unreadableSecret`.
    init(configured: [DestinationSettings], database: any DatabaseWriter, box: SecretBox) throws {
        self.database = database
        self.box = box
        var entries: [Entry] = []
        for settings in configured {
            let destination = try Destination(settings, allowsCommands: true)
            guard !entries.contains(where: { $0.destination.name == destination.name }) else {
                throw DeliveryError(.duplicateDestination, "two destinations are called \(destination.name)")
            }
            entries.append(Entry(destination: destination, origin: .file, settings: settings))
        }
        self.configured = entries
        let stored = try database.read { try Row.fetchAll($0, sql: "SELECT * FROM destination ORDER BY name") }
        let loaded = try stored.map { row in
            let opened = try box.open(row["settings"] as Data, for: Self.purpose(row["name"]))
            let settings = try JSONDecoder().decode(DestinationSettings.self, from: Data(opened))
            return Entry(
                destination: try Destination(settings, allowsCommands: false), origin: .api, settings: settings)
        }
        added.withLock { $0 = loaded }
    }

    static func register(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("destinations") { database in
            try database.execute(
                sql: """
                    CREATE TABLE destination (
                        name TEXT PRIMARY KEY,
                        settings BLOB NOT NULL,
                        created INTEGER NOT NULL
                    ) STRICT, WITHOUT ROWID
                    """)
        }
    }

    /// All destinations; the file's go before others of the same name.
    func list() -> [Entry] {
        let names = Set(configured.map(\.destination.name))
        return configured + added.withLock { $0 }.filter { !names.contains($0.destination.name) }
    }

    /// - Throws: ``DeliveryError`` `unknown_destination`.
    func entry(named name: String) throws -> Entry {
        guard let entry = list().first(where: { $0.destination.name == name }) else {
            throw DeliveryError(.unknownDestination, "there is no destination \(name)")
        }
        return entry
    }

    /// - Throws: ``DeliveryError`` when the settings are not usable or the name is taken.
    func add(_ settings: DestinationSettings, now: Timestamp) throws -> Entry {
        let destination = try Destination(settings, allowsCommands: false)
        let entry = Entry(destination: destination, origin: .api, settings: settings)
        let sealed = try box.seal(Array(try JSONEncoder().encode(settings)), for: Self.purpose(destination.name))
        return try added.withLock { added in
            guard !(configured + added).contains(where: { $0.destination.name == destination.name }) else {
                throw DeliveryError(.duplicateDestination, "there is a destination \(destination.name) already")
            }
            guard configured.count + added.count < Self.maximumCount else {
                throw DeliveryError(.invalidDestination, "there are \(Self.maximumCount) destinations already")
            }
            try database.write {
                try $0.execute(
                    sql: "INSERT INTO destination (name, settings, created) VALUES (?, ?, ?)",
                    arguments: [destination.name, sealed, now.nanoseconds])
            }
            added.append(entry)
            return entry
        }
    }

    /// Removes a destination; what waits for it is given up.
    /// - Throws: ``DeliveryError`` when there is none, or the file names it.
    func remove(_ name: String) throws {
        guard !configured.contains(where: { $0.destination.name == name }) else {
            throw DeliveryError(
                .invalidDestination, "the destination \(name) stands in the configuration file; remove it there")
        }
        try added.withLock { added in
            guard added.contains(where: { $0.destination.name == name }) else {
                throw DeliveryError(.unknownDestination, "there is no destination \(name)")
            }
            try database.write { try $0.execute(sql: "DELETE FROM destination WHERE name = ?", arguments: [name]) }
            added.removeAll { $0.destination.name == name }
        }
    }

    private static func purpose(_ name: String) -> String { "destination \(name)" }
}
