import Delivery
import Detection
import Foundation
import GRDB
import Identity
import SystemPackage

/// The transactional state (DATA/state.db): sources, tokens, alerts, outbox, quarantine. Never events.
enum StateDatabase {
    static func open(_ path: FilePath) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "state"
        // A transaction that was reported done survives power loss.
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        // SQLite gives its other files the permissions of this one, which it would make by the umask.
        if !FileManager.default.fileExists(atPath: path.string) {
            _ = FileManager.default.createFile(
                atPath: path.string, contents: nil, attributes: [.posixPermissions: 0o600])
        }
        let pool = try DatabasePool(path: path.string, configuration: configuration)
        var migrator = DatabaseMigrator()
        IdentitySchema.register(in: &migrator)
        AlertSchema.registerMigrations(in: &migrator)
        OutboxSchema.registerMigrations(in: &migrator)
        QuarantineStore.register(in: &migrator)
        DestinationStore.register(in: &migrator)
        PullCursorStore.register(in: &migrator)
        ExposureMemory.register(in: &migrator)
        GitHubConnections.register(in: &migrator)
        SourceCompleteness.register(in: &migrator)
        try migrator.migrate(pool)
        return pool
    }
}
