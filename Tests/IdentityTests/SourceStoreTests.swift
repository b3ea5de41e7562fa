import EventModel
import Foundation
import GRDB
import Identity
import Testing

private let now = Timestamp(seconds: 1_800_000_000)
private let key = [UInt8](repeating: 7, count: SecretBox.keyLength)
private let credential = "a provider's " + "credential"

private func makeDatabase() throws -> DatabaseQueue {
    let database = try DatabaseQueue()
    var migrator = DatabaseMigrator()
    IdentitySchema.register(in: &migrator)
    try migrator.migrate(database)
    return database
}

@Suite("Sources")
struct SourceStoreTests {
    @Test("The source auto is there from the start")
    func automatic() throws {
        let database = try makeDatabase()
        let store = try SourceStore(database: database, box: SecretBox(key: key), now: now)
        let source = try #require(store.source(named: "auto"))
        #expect(source.connector == "auto")
        #expect(source.fingerprintKey.count == 32)
        let again = try SourceStore(database: database, box: SecretBox(key: key), now: now)
        #expect(again.source(named: "auto") == source)
    }

    @Test("An added source is found at once, after a restart, and not before")
    func added() throws {
        let database = try makeDatabase()
        let store = try SourceStore(database: database, box: SecretBox(key: key), now: now)
        #expect(store.source(named: "github") == nil)
        let source = try store.add(
            name: "github", connector: "github-webhook", pinnedConnectors: ["github-webhook", "generic"],
            secret: credential, retentionClass: 3, now: now)
        #expect(store.source(named: "github") == source)
        #expect(store.list().map(\.name) == ["auto", "github"])
        let again = try SourceStore(database: database, box: SecretBox(key: key), now: now)
        #expect(again.source(named: "github") == source)
        #expect(again.source(named: "github")?.secrets(at: now) == [credential])
    }

    @Test("The database holds no secret in clear, and descriptions show none")
    func sealed() throws {
        let database = try makeDatabase()
        let store = try SourceStore(database: database, box: SecretBox(key: key), now: now)
        let source = try store.add(name: "github", secret: credential, now: now)
        let row = try #require(
            try database.read { try Row.fetchOne($0, sql: "SELECT * FROM source WHERE name = 'github'") })
        let secret: Data = row["secret"]
        #expect(secret.range(of: Data(credential.utf8)) == nil)
        let fingerprintKey: Data = row["fingerprint_key"]
        #expect(fingerprintKey.range(of: Data(source.fingerprintKey)) == nil)
        var dumped = ""
        dump(source, to: &dumped)
        #expect(!"\(source) \(String(reflecting: source)) \(dumped)".contains(credential))
    }

    @Test("Secrets cannot be read with another key, nor moved to another source")
    func sealsAreBound() throws {
        let database = try makeDatabase()
        let store = try SourceStore(database: database, box: SecretBox(key: key), now: now)
        _ = try store.add(name: "one", secret: credential, now: now)
        _ = try store.add(name: "two", secret: credential, now: now)
        var other = key
        other[0] = 0
        let error = #expect(throws: IdentityError.self) {
            try SourceStore(database: database, box: SecretBox(key: other), now: now)
        }
        #expect(error?.code == .unreadableSecret)
        try database.write {
            try $0.execute(
                sql: "UPDATE source SET secret = (SELECT secret FROM source WHERE name = 'one') WHERE name = 'two'")
        }
        #expect(throws: IdentityError.self) {
            try SourceStore(database: database, box: SecretBox(key: key), now: now)
        }
    }

    @Test("After a rotation both credentials are good for the grace time, then the new one alone")
    func rotation() throws {
        let database = try makeDatabase()
        let store = try SourceStore(database: database, box: SecretBox(key: key), now: now)
        _ = try store.add(name: "github", secret: credential, now: now)
        let fingerprintKey = store.source(named: "github")?.fingerprintKey
        let fresh = store.newSecret()
        try store.rotate(name: "github", to: fresh, graceSeconds: 60, now: now)
        for store in [store, try SourceStore(database: database, box: SecretBox(key: key), now: now)] {
            let source = try #require(store.source(named: "github"))
            #expect(source.secrets(at: now) == [fresh, credential])
            #expect(source.secrets(at: Timestamp(seconds: now.seconds + 60)) == [fresh])
            #expect(source.fingerprintKey == fingerprintKey)
        }
        #expect(throws: IdentityError.self) { try store.rotate(name: "nobody", to: fresh, now: now) }
        #expect(throws: IdentityError.self) { try store.rotate(name: "github", to: "short", now: now) }
    }

    @Test("A source can be disabled and enabled")
    func disabling() throws {
        let store = try SourceStore(database: try makeDatabase(), box: SecretBox(key: key), now: now)
        _ = try store.add(name: "github", now: now)
        try store.setEnabled(false, name: "github")
        #expect(store.source(named: "github")?.isEnabled == false)
        try store.setEnabled(true, name: "github")
        #expect(store.source(named: "github")?.isEnabled == true)
        #expect(throws: IdentityError.self) { try store.setEnabled(false, name: "nobody") }
    }

    @Test("A name is taken once")
    func duplicates() throws {
        let store = try SourceStore(database: try makeDatabase(), box: SecretBox(key: key), now: now)
        _ = try store.add(name: "github", now: now)
        let error = #expect(throws: IdentityError.self) { try store.add(name: "github", now: now) }
        #expect(error?.code == .alreadyExists)
    }

    @Test(
        "Good names are accepted", arguments: ["a", "0", "acme-github", "a.b_c-d", String(repeating: "a", count: 63)])
    func goodNames(name: String) throws { try SourceName.check(name) }

    @Test(
        "Bad names are refused",
        arguments: ["", "-a", ".a", "_a", "A", "a b", "a/b", "é", "a\n", String(repeating: "a", count: 64), "custody"])
    func badNames(name: String) throws {
        #expect(throws: IdentityError.self) { try SourceName.check(name) }
    }

    @Test("The box makes its key once, keeps it, and refuses a damaged one")
    func boxKey() throws {
        var kept: [UInt8]?
        _ = try SecretBox(stored: nil) { kept = $0 }
        #expect(kept?.count == SecretBox.keyLength)
        _ = try SecretBox(stored: kept) { _ in Issue.record("made twice") }
        #expect(throws: IdentityError.self) { try SecretBox(stored: [1, 2, 3]) { _ in } }
    }
}
