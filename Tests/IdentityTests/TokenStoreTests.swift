import AccessControl
import EventModel
import Foundation
import GRDB
import Identity
import Synchronization
import Testing

private let now = Timestamp(seconds: 1_800_000_000)

private func day(_ days: Int64) -> Timestamp { Timestamp(seconds: now.seconds + days * 86_400) }

private func makeDatabase() throws -> DatabaseQueue {
    let database = try DatabaseQueue()
    var migrator = DatabaseMigrator()
    IdentitySchema.register(in: &migrator)
    try migrator.migrate(database)
    return database
}

private func code(_ body: () throws -> Void) -> AccessError.Code? {
    do {
        try body()
        return nil
    } catch let error as AccessError {
        return error.code
    } catch {
        Issue.record(error)
        return nil
    }
}

@Suite("Tokens")
struct TokenStoreTests {
    @Test("A new token authenticates as its principal, in this store and after a restart")
    func authenticates() throws {
        let database = try makeDatabase()
        let store = try TokenStore(database: database)
        let new = try store.create(name: "ci", scopes: [.ingest], sources: ["github"], now: now)
        #expect(new.text.hasPrefix("custody_\(new.token.id)_"))
        for store in [store, try TokenStore(database: database)] {
            let principal = try store.authenticate(bearer: new.text, now: now)
            #expect(principal == new.token.principal)
            #expect(principal.ingestSources == ["github"])
        }
    }

    @Test("The database holds neither the secret nor the text")
    func secretIsNotStored() throws {
        let database = try makeDatabase()
        let store = try TokenStore(database: database)
        let new = try store.create(name: "ci", scopes: [.read], now: now)
        let row = try #require(try database.read { try Row.fetchOne($0, sql: "SELECT * FROM token") })
        let secret = try #require(new.text.split(separator: "_").last)
        #expect(secret.utf8.count == 44)
        #expect(!"\(row)".contains(secret))
        #expect((row["hash"] as Data).count == 32)
    }

    @Test("Every changed character makes a token unknown")
    func changedTokensAreUnknown() throws {
        let store = try TokenStore(database: try makeDatabase())
        let text = Array(try store.create(name: "ci", scopes: [.read], now: now).text.utf8)
        for position in text.indices {
            var changed = text
            changed[position] = changed[position] == UInt8(ascii: "x") ? UInt8(ascii: "y") : UInt8(ascii: "x")
            let bearer = String(decoding: changed, as: UTF8.self)
            #expect(code { _ = try store.authenticate(bearer: bearer, now: now) } == .unknownCredential)
        }
    }

    @Test(
        "What is no token is unknown",
        arguments: ["", "custody_", "custody__", "Bearer x", String(repeating: "a", count: 100_000), "é\u{0}"])
    func garbageIsUnknown(bearer: String) throws {
        let store = try TokenStore(database: try makeDatabase())
        #expect(code { _ = try store.authenticate(bearer: bearer, now: now) } == .unknownCredential)
    }

    @Test("A token without a given expiry lives 90 days, to the moment")
    func defaultExpiry() throws {
        let store = try TokenStore(database: try makeDatabase())
        let new = try store.create(name: "ci", scopes: [.read], now: now)
        #expect(new.token.expires == day(90))
        _ = try store.authenticate(bearer: new.text, now: day(90).advanced(byNanoseconds: -1))
        #expect(code { _ = try store.authenticate(bearer: new.text, now: day(90)) } == .expiredCredential)
    }

    @Test("A revoked token is refused at once and after a restart, and keeps the time of its first revocation")
    func revocation() throws {
        let database = try makeDatabase()
        let store = try TokenStore(database: database)
        let new = try store.create(name: "ci", scopes: [.read], now: now)
        try store.revoke(id: new.token.id, now: day(1))
        try store.revoke(id: new.token.id, now: day(2))
        for store in [store, try TokenStore(database: database)] {
            #expect(code { _ = try store.authenticate(bearer: new.text, now: day(1)) } == .revokedCredential)
            #expect(store.list().map(\.revoked) == [day(1)])
        }
        #expect(throws: IdentityError.self) { try store.revoke(id: "nobody", now: now) }
    }

    @Test("Bad names, scopes, bindings and expiries are refused")
    func badInput() throws {
        let store = try TokenStore(database: try makeDatabase())
        func code(_ body: () throws -> NewToken) -> IdentityError.Code? {
            #expect(throws: IdentityError.self) { try body() }?.code
        }
        #expect(code { try store.create(name: "", scopes: [.read], now: now) } == .invalidName)
        #expect(code { try store.create(name: "a\u{1B}[2J", scopes: [.read], now: now) } == .invalidName)
        let long = String(repeating: "a", count: TokenLimits.nameLength + 1)
        #expect(code { try store.create(name: long, scopes: [.read], now: now) } == .invalidName)
        #expect(code { try store.create(name: "a", scopes: [], now: now) } == .invalidScopes)
        #expect(
            code { try store.create(name: "a", scopes: [.read], sources: ["github"], now: now) } == .invalidScopes)
        #expect(
            code { try store.create(name: "a", scopes: [.ingest], sources: ["Git hub"], now: now) } == .invalidName)
        #expect(
            code { try store.create(name: "a", scopes: [.ingest], sources: ["custody"], now: now) } == .reservedName)
        #expect(code { try store.create(name: "a", scopes: [.read], expires: now, now: now) } == .invalidExpiry)
        #expect(code { try store.create(name: "a", scopes: [.read], expires: day(367), now: now) } == .invalidExpiry)
        #expect(store.list().isEmpty)
    }

    @Test("Last use is noted to the minute, written in one go and survives other changes")
    func lastUse() throws {
        let database = try makeDatabase()
        let store = try TokenStore(database: database)
        let new = try store.create(name: "ci", scopes: [.read], now: now)
        #expect(store.list().map(\.lastUsed) == [nil])
        _ = try store.authenticate(bearer: new.text, now: day(1))
        // Within the minute: not noted again.
        _ = try store.authenticate(bearer: new.text, now: day(1).advanced(byNanoseconds: 59_000_000_000))
        _ = try store.create(name: "other", scopes: [.read], now: day(1))
        let written = try database.read { try Int64.fetchOne($0, sql: "SELECT max(last_used) FROM token") }
        #expect(written == nil)
        try store.writeLastUses()
        #expect(store.list().first?.lastUsed == day(1))
        #expect(try TokenStore(database: database).list().first?.lastUsed == day(1))
    }

    @Test("Authentication agrees with concurrent changes")
    func concurrentChanges() async throws {
        let store = try TokenStore(database: try makeDatabase())
        let new = try store.create(name: "ci", scopes: [.read], now: now)
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    for _ in 0..<50 {
                        if worker == 0 {
                            _ = try? store.create(name: "more", scopes: [.ingest], now: now)
                        } else {
                            #expect((try? store.authenticate(bearer: new.text, now: now)) != nil)
                        }
                    }
                }
            }
        }
        #expect(store.list().count == 51)
    }
}

@Suite("The first admin token")
struct FirstAdminTokenTests {
    @Test("The first start makes one without expiry and keeps it; later starts do nothing")
    func made() throws {
        let database = try makeDatabase()
        let store = try TokenStore(database: database)
        var kept: [String] = []
        let first = try #require(try store.makeFirstAdminToken(chosen: nil, now: now) { kept.append($0) })
        #expect(kept == [first.text])
        #expect(first.token.expires == nil)
        #expect(try store.authenticate(bearer: first.text, now: day(10_000)).scopes == [.admin])
        let later = try TokenStore(database: database)
        #expect(try later.makeFirstAdminToken(chosen: nil, now: day(1)) { kept.append($0) } == nil)
        #expect(kept.count == 1)
    }

    private static let chosen = "only-for-this-test-" + String(repeating: "q", count: 20)

    @Test("A chosen token is the whole text, and a later start with another one changes nothing")
    func chosenToken() throws {
        let database = try makeDatabase()
        let store = try TokenStore(database: database)
        var kept: [String] = []
        _ = try store.makeFirstAdminToken(chosen: Self.chosen, now: now) { kept.append($0) }
        #expect(kept == [Self.chosen])
        #expect(try store.authenticate(bearer: Self.chosen, now: now).scopes == [.admin])
        let other = Self.chosen + "2"
        let later = try TokenStore(database: database)
        #expect(try later.makeFirstAdminToken(chosen: other, now: day(1)) { kept.append($0) } == nil)
        #expect(throws: AccessError.self) { try later.authenticate(bearer: other, now: now) }
        _ = try later.authenticate(bearer: Self.chosen, now: now)
    }

    @Test("Not even a revoked first token can be replaced through the environment")
    func revokedIsNotReplaced() throws {
        let store = try TokenStore(database: try makeDatabase())
        let first = try #require(try store.makeFirstAdminToken(chosen: nil, now: now) { _ in })
        try store.revoke(id: first.token.id, now: now)
        #expect(try store.makeFirstAdminToken(chosen: Self.chosen, now: now) { _ in } == nil)
    }

    @Test(
        "A chosen token that is short, has spaces or control characters is refused and not kept",
        arguments: [
            "", String(repeating: "a", count: 31), String(repeating: "a ", count: 20),
            String(repeating: "a\n", count: 20), String(repeating: "é", count: 40), String(repeating: "a", count: 513),
        ])
    func weakTokens(text: String) throws {
        let store = try TokenStore(database: try makeDatabase())
        let error = #expect(throws: IdentityError.self) {
            try store.makeFirstAdminToken(chosen: text, now: now) { _ in Issue.record("kept") }
        }
        #expect(error?.code == .weakSecret)
        #expect(store.list().isEmpty)
    }

    @Test("A token that could not be kept does not count")
    func keepingFails() throws {
        struct DiskFull: Error {}
        let store = try TokenStore(database: try makeDatabase())
        #expect(throws: DiskFull.self) {
            try store.makeFirstAdminToken(chosen: nil, now: now) { _ in throw DiskFull() }
        }
        #expect(store.list().isEmpty)
        #expect(try store.makeFirstAdminToken(chosen: nil, now: now) { _ in } != nil)
    }
}

@Suite("The cost of authentication")
struct AuthenticationCostTests {
    @Test("Authentication takes microseconds among ten thousand tokens", .enabled(if: isMeasuring))
    func cost() throws {
        let database = try makeDatabase()
        let new = try TokenStore(database: database).create(name: "ci", scopes: [.read], now: now)
        try database.write { database in
            for number in 0..<10_000 {
                try database.execute(
                    sql: """
                        INSERT INTO token (id, name, hash, is_custom, scopes, sources, created)
                        VALUES (?, 'x', ?, 0, 'read', '', 0)
                        """, arguments: ["id\(number)", Data("\(number)".utf8)])
            }
        }
        let store = try TokenStore(database: database)
        let rounds = 200_000
        let elapsed = try ContinuousClock().measure {
            for _ in 0..<rounds { _ = try store.authenticate(bearer: new.text, now: now) }
        }
        print("authenticate:", elapsed / rounds)
        #expect(elapsed / rounds < .microseconds(5))
    }
}

/// Set CUSTODY_MEASURE to print costs; a busy machine must not fail the tests.
private let isMeasuring = ProcessInfo.processInfo.environment["CUSTODY_MEASURE"] != nil
