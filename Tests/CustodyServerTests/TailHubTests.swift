import AccessControl
import EventModel
import HTTPTypes
import HummingbirdTesting
import Intake
import Journal
import Logging
import Testing

@testable import CustodyServer

@Suite("Live tail")
struct TailHubTests {
    private func batch(events: Int) -> CommittedBatch {
        CommittedBatch(
            firstIndex: LeafIndex(0), partition: JournalPartition(day: 0, retentionClass: 0), bytes: [],
            items: Array(repeating: .init(range: 0..<0, key: nil, payloadDigest: 0), count: events), entries: [],
            seeds: SeedTable(), isFresh: true, admitted: nil)
    }

    @Test("A follower that does not read loses events beyond its queue and is told how many")
    func slowFollower() async throws {
        let hub = TailHub()
        let stream = try #require(hub.follow())
        for _ in 0..<TailHub.queueLimit + 5 { hub.publish(batch(events: 3)) }
        var reader = stream.makeAsyncIterator()
        for _ in 0..<TailHub.queueLimit {
            guard case .batch = await reader.next() else { Issue.record("no batch"); return }
        }
        hub.publish(batch(events: 3))
        guard case .dropped(let count) = await reader.next() else { Issue.record("nothing told"); return }
        #expect(count == 15)
        guard case .batch = await reader.next() else { Issue.record("no batch"); return }
    }

    @Test("Silence is broken when it has lasted too long, not before and not again at once")
    func heartbeat() async throws {
        let hub = TailHub()
        let stream = try #require(hub.follow())
        let start = ContinuousClock.now
        hub.publish(batch(events: 1), now: start)
        hub.tick(now: start + TailHub.heartbeat - .milliseconds(1))
        hub.tick(now: start + TailHub.heartbeat)
        hub.tick(now: start + TailHub.heartbeat)
        hub.stop()
        var kinds: [String] = []
        for await item in stream {
            switch item {
            case .batch: kinds.append("batch")
            case .dropped: kinds.append("dropped")
            case .silence: kinds.append("silence")
            }
        }
        #expect(kinds == ["batch", "silence"])
    }

    @Test("There are at most so many followers, and one that leaves makes room")
    func followers() async throws {
        let hub = TailHub()
        var streams = (0..<TailHub.followerLimit).map { _ in hub.follow() }
        #expect(hub.follow() == nil)
        #expect(streams.allSatisfy { $0 != nil })
        streams.removeLast()
        #expect(hub.count == TailHub.followerLimit - 1)
        #expect(hub.follow() != nil)
    }
}

@Suite("The audit trail")
struct AuditTrailTests {
    private struct Refusal: Error {}

    private func entry() -> AuditEntry { AuditEntry("search.run", activity: "read", resource: ("event", nil)) }

    @Test("When its queue is full what cannot be put on record is refused; entries that failed to commit are kept")
    func queue() async throws {
        let trail = AuditTrail(
            now: { Timestamp(seconds: 0) }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) {
            _ in throw Refusal()
        }
        for _ in 0..<AuditTrail.queueLimit { try trail.record(entry()) }
        await trail.flush()
        #expect(throws: Problem.self) { try trail.record(entry()) }
        await #expect(throws: Problem.self) { try await trail.recordDurably(entry()) }
    }
}
