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
        let pool = try DatabasePool(path: path.string, configuration: configuration)
        // SQLite makes its files by the umask; nobody else has business with them.
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path.string)
        var migrator = DatabaseMigrator()
        IdentitySchema.register(in: &migrator)
        AlertSchema.registerMigrations(in: &migrator)
        OutboxSchema.registerMigrations(in: &migrator)
        QuarantineStore.register(in: &migrator)
        try migrator.migrate(pool)
        return pool
    }
}
