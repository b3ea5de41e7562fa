import AccessControl
import EventModel
import Foundation
import GRDB
import Identity
import Testing

private let now = Timestamp(seconds: 1_800_000_000)

private func later(_ seconds: Int64) -> Timestamp { Timestamp(seconds: now.seconds + seconds) }

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
    } catch {
        return (error as? AccessError)?.code
    }
}

@Suite("Sessions")
struct SessionStoreTests {
    private func start(_ store: SessionStore, at time: Timestamp = now) throws -> NewSession {
        try store.start(name: "desk", tokenID: "abc", client: "10.0.0.1", agent: "browser", now: time)
    }

    @Test("A session authenticates in this store and after a restart; its secret is not stored")
    func authenticates() throws {
        let database = try makeDatabase()
        let store = try SessionStore(database: database)
        let new = try start(store)
        for store in [store, try SessionStore(database: database)] {
            #expect(try store.authenticate(presented: new.text, now: now) == new.session)
        }
        let row = try #require(try database.read { try Row.fetchOne($0, sql: "SELECT * FROM session") })
        #expect(!"\(row)".contains(try #require(new.text.split(separator: "_").last)))
    }

    @Test("Every changed character makes a session unknown")
    func changed() throws {
        let store = try SessionStore(database: try makeDatabase())
        let text = Array(try start(store).text.utf8)
        for position in text.indices {
            var other = text
            other[position] = other[position] == UInt8(ascii: "x") ? UInt8(ascii: "y") : UInt8(ascii: "x")
            let presented = String(decoding: other, as: UTF8.self)
            #expect(code { _ = try store.authenticate(presented: presented, now: now) } == .unknownCredential)
        }
        let long = String(repeating: "x", count: SessionLimits.presentedLength + 1)
        #expect(code { _ = try store.authenticate(presented: long, now: now) } == .unknownCredential)
    }

    @Test("It ends after its lifetime, and when it was idle; tidying forgets it")
    func ends() throws {
        let database = try makeDatabase()
        let store = try SessionStore(database: database)
        let new = try start(store)
        let idle = later(SessionLimits.idleSeconds)
        #expect(code { _ = try store.authenticate(presented: new.text, now: idle) } == .expiredCredential)
        #expect(store.list(now: idle).isEmpty)
        try store.tidy(now: idle)
        #expect(try SessionStore(database: database).list(now: now).isEmpty)
    }

    @Test("Uses are written when tidying, so that a restart does not end a session that is in use")
    func uses() throws {
        let database = try makeDatabase()
        let store = try SessionStore(database: database)
        let new = try start(store)
        let used = later(SessionLimits.idleSeconds - 1)
        _ = try store.authenticate(presented: new.text, now: used)
        try store.tidy(now: used)
        let again = try SessionStore(database: database)
        _ = try again.authenticate(presented: new.text, now: later(SessionLimits.idleSeconds + 1))
    }

    @Test("A session that was ended is unknown at once")
    func ended() throws {
        let store = try SessionStore(database: try makeDatabase())
        let new = try start(store)
        #expect(try store.end(id: new.session.id))
        #expect(code { _ = try store.authenticate(presented: new.text, now: now) } == .unknownCredential)
        #expect(try !store.end(id: new.session.id))
    }

    @Test("Beyond the limit the one that was idle longest makes room")
    func limit() throws {
        let store = try SessionStore(database: try makeDatabase(), limit: 3)
        let all = try (0..<4).map { try start(store, at: later(Int64($0))) }
        #expect(code { _ = try store.authenticate(presented: all[0].text, now: now) } == .unknownCredential)
        #expect(store.list(now: now).count == 3)
    }

    @Test("A form token is of its session alone")
    func formToken() throws {
        let store = try SessionStore(database: try makeDatabase())
        let (one, other) = (try start(store).text, try start(store).text)
        let token = FormToken.text(ofSession: one)
        #expect(token.count == 64 && FormToken.isRight(token, forSession: one))
        #expect(!FormToken.isRight(token, forSession: other) && !FormToken.isRight("", forSession: one))
        #expect(!one.contains(token))
    }
}
