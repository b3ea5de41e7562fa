import EventModel
import GRDB
import Testing

@testable import Detection

@Suite("Alerts")
struct AlertStoreTests {
    private func store(_ observers: [any AlertObserver] = []) throws -> AlertStore {
        let queue = try DatabaseQueue()
        var migrator = DatabaseMigrator()
        AlertSchema.registerMigrations(in: &migrator)
        try migrator.migrate(queue)
        return AlertStore(queue, observers: observers) { Timestamp(seconds: 5_000) }
    }

    @Test("Matches of one rule and group are one alert that counts and lists them")
    func deduplication() throws {
        let store = try store()
        let first = try store.record([Samples.match("r", index: 3)], through: LeafIndex(4))
        let second = try store.record(
            [Samples.match("r", index: 5, entity: "EVE", seconds: 9), Samples.match("r", index: 6, entity: "bob")],
            through: LeafIndex(7))
        #expect(first.map(\.kind) == [.opened] && second.map(\.kind) == [.repeated, .opened])
        let alert = try store.alert(first[0].alert.id)
        #expect(
            alert.count == 2 && alert.lastSeen == Timestamp(seconds: 1_009)
                && alert.firstSeen == Timestamp(seconds: 1_000))
        #expect(try store.evidence(of: alert.id) == [LeafIndex(3), LeafIndex(5)])
        #expect(try store.cursor() == LeafIndex(7))
    }

    @Test("SQLite's own check, which custody doctor runs, finds nothing wrong with alerts and evidence")
    func soundness() throws {
        let queue = try DatabaseQueue()
        var migrator = DatabaseMigrator()
        AlertSchema.registerMigrations(in: &migrator)
        try migrator.migrate(queue)
        let store = AlertStore(queue) { Timestamp(seconds: 5_000) }
        try store.record((0..<5).map { Samples.match("r", index: $0) }, through: LeafIndex(5))
        #expect(try queue.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") } == ["ok"])
    }

    @Test("Replaying leaves that were recorded changes nothing")
    func idempotence() throws {
        let store = try store()
        let matches = (0..<5).map { Samples.match("r", index: $0) }
        try store.record(matches, through: LeafIndex(5))
        let before = try store.list()
        #expect(try store.record(matches, through: LeafIndex(5)).isEmpty)
        #expect(try store.list() == before)
        #expect(try store.cursor() == LeafIndex(5))
    }

    @Test("An observer that fails undoes alerts and cursor")
    func atomicity() throws {
        struct Failing: AlertObserver {
            func alertsChanged(_ transitions: [AlertTransition], in db: Database) throws {
                throw DetectionError(.invalidRequest, "no")
            }
        }
        let store = try store([Failing()])
        #expect(throws: DetectionError.self) { try store.record([Samples.match("r", index: 0)], through: LeafIndex(1)) }
        #expect(try store.list().alerts.isEmpty && store.cursor() == LeafIndex(0))
        try store.record([], through: LeafIndex(1))
        #expect(try store.cursor() == LeafIndex(1))
    }

    @Test("Evidence is listed up to the limit and counted beyond")
    func evidenceLimit() throws {
        let store = try store()
        let limit = UInt64(AlertStore.maximumEvidence)
        let transitions = try store.record(
            (0..<limit + 7).map { Samples.match("r", index: $0) }, through: LeafIndex(limit + 7))
        #expect(transitions.count == 1)
        let alert = transitions[0].alert
        #expect(alert.count == Int64(limit) + 7 && alert.unlistedEvidence == 7)
        #expect(try store.evidence(of: alert.id, limit: 5_000).count == Int(limit))
    }

    @Test(
        "Acknowledging, assigning and closing are transitions; a closed alert does not change and a new match opens another"
    )
    func lifeCycle() throws {
        let store = try store()
        let id = try store.record([Samples.match("r", index: 0)], through: LeafIndex(1))[0].alert.id
        let acknowledged = try store.acknowledge(id, by: "alice")
        #expect(acknowledged.kind == .acknowledged && acknowledged.alert.assignee == "alice")
        #expect(try store.assign(id, to: "bob", by: "alice").alert.assignee == "bob")
        let essay = String(repeating: "x", count: AlertStore.maximumCommentBytes + 1)
        #expect(throws: DetectionError.self) { try store.close(id, verdict: .benign, comment: essay, by: "bob") }
        let closed = try store.close(id, verdict: .falsePositive, comment: "a drill", by: "bob")
        #expect(closed.alert.status == .closed && closed.alert.verdict == .falsePositive && closed.actor == "bob")
        #expect(throws: DetectionError.self) { try store.acknowledge(id, by: "alice") }
        #expect(throws: DetectionError.self) { try store.acknowledge("nosuch", by: "alice") }
        let next = try store.record([Samples.match("r", index: 1)], through: LeafIndex(2))
        #expect(next.map(\.kind) == [.opened] && next[0].alert.id != id)
    }

    @Test("Lists filter and page from the newest on")
    func listing() throws {
        let store = try store()
        for index in 0..<7 as Range<UInt64> {
            try store.record(
                [Samples.match("r\(index % 2)", index: index, entity: "e\(index)")], through: LeafIndex(index + 1))
        }
        let first = try store.list(limit: 3)
        #expect(first.alerts.map(\.entity) == ["e6", "e5", "e4"])
        let second = try store.list(before: first.next, limit: 10)
        #expect(second.alerts.count == 4 && second.next == nil)
        var filter = AlertFilter()
        filter.ruleKey = "r1"
        filter.statuses = [.open]
        filter.minimumSeverity = .high
        #expect(try store.list(filter).alerts.map(\.entity) == ["e5", "e3", "e1"])
        filter.minimumSeverity = .critical
        #expect(try store.list(filter).alerts.isEmpty)
        #expect(throws: DetectionError.self) { try store.list(limit: 0) }
    }

    @Test("A rebuild gives the same alerts and keeps what people decided")
    func rebuilding() throws {
        let store = try store()
        let matches = [Samples.match("r", index: 0), Samples.match("r", index: 1), Samples.match("gone", index: 2)]
        let id = try store.record(matches, through: LeafIndex(3))[0].alert.id
        _ = try store.close(id, verdict: .truePositive, comment: nil, by: "alice")
        try store.record([Samples.match("r", index: 4)], through: LeafIndex(5))
        let before = try store.list()
        try store.beginRebuild()
        #expect(try store.cursor() == LeafIndex(0))
        try store.record(Array(matches.prefix(2)) + [Samples.match("r", index: 4)], through: LeafIndex(5))
        #expect(try store.finishRebuild() == 1)
        #expect(try store.list().alerts == before.alerts.filter { $0.ruleKey == "r" })
    }
}
