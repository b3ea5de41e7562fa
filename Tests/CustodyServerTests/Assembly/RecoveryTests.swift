import DurableFiles
import EventModel
import Foundation
import Hummingbird
import HummingbirdTesting
import Intake
import Journal
import Synchronization
import SystemPackage
import Testing

@testable import CustodyServer

/// The replay after a start, beside what is committed meanwhile.
@Suite("Recovery")
struct RecoveryTests {
    private static let keyer = DeliveryKeyer(secret: Array(repeating: 7, count: 32))
    private let disk = FaultingFileSystem(seed: 1)

    private func batch(_ numbers: Range<Int>) throws -> PreparedBatch {
        var builder = BatchBuilder(
            origin: EventOrigin(name: "s", verified: "token"), received: Timestamp(seconds: 1_790_000_000),
            keyer: Self.keyer)
        for number in numbers {
            var record = EventRecord()
            record.set(.sourceKind, "generic")
            record.set(.sourceDelivery, "\(number)")
            [UInt8]("{}".utf8).withUnsafeBytes { builder.add(&record, payload: $0, position: number, part: nil) }
        }
        return try builder.finish()
    }

    private func journal() throws -> JournalWriter {
        try JournalWriter(directory: "/data/journal", fileSystem: disk, random: SystemRandomNumberGenerator())
    }

    private func committer(_ journal: sending JournalWriter, _ views: [ViewRunner]) -> Committer {
        Committer(
            journal: journal, table: DeduplicationTable(limit: 10_000), views: views, limits: IntakeLimits(),
            onConflict: { _, _ in }, onFailure: { Issue.record("\($0)") })
    }

    /// A journal of 600 events that no view has seen.
    private func filledJournal() async throws -> JournalWriter {
        try disk.createDirectory("/data/journal")
        let committer = committer(try journal(), [])
        for first in stride(from: 0, to: 600, by: 30) {
            _ = try await committer.commit(try batch(first..<first + 30), admitted: nil)
        }
        committer.stop()
        return try journal()
    }

    private func recovery(
        of runners: [ViewRunner], from reader: JournalReader, completions: Completions, ledger: UInt64 = 0
    ) -> Recovery {
        Recovery(
            runners, to: LeafIndex(600), ledger: LeafIndex(ledger), journal: reader, keyer: Self.keyer,
            isSearchable: { _ in true }, completion: { completions.note() }, onFailure: { Issue.record("\($0)") })
    }

    @Test("What is committed during a replay is acknowledged at once and reaches each view after it, in order")
    func order() async throws {
        let journal = try await filledJournal()
        let reader = journal.reader
        let (behind, ahead) = (SeenLeaves(), SeenLeaves())
        let gate = DispatchSemaphore(value: 0)
        let runners = [
            ViewRunner(GatedView(behind, from: 0, gate), replayingTo: LeafIndex(600)) { Issue.record("\($0)") },
            ViewRunner(GatedView(ahead, from: 600, nil), replayingTo: LeafIndex(600)) { Issue.record("\($0)") },
        ]
        let completions = Completions()
        let recovery = recovery(of: runners, from: reader, completions: completions)
        try recovery.wait(atMost: .zero)
        let committer = committer(journal, runners)
        let outcome = try await committer.commit(try batch(600..<630), admitted: nil)
        #expect(outcome.count == 30 && outcome[0] == .accepted(LeafIndex(600)))
        // A view that lacks nothing goes on at once.
        runners[1].waitUntil(processed: LeafIndex(630))
        #expect(!recovery.isOver && recovery.remaining == 600 && recovery.total == 600)
        #expect(try await !recovery.isOver(within: .zero))
        #expect(behind.indexes.isEmpty && completions.count == 0)
        gate.signal()
        #expect(try await recovery.isOver(within: .seconds(60)))
        #expect(recovery.remaining == 0 && completions.count == 1)
        // What was acknowledged while others waited is there for them, too.
        #expect(behind.indexes == Array(0..<630))
        committer.stop()
        for runner in runners { runner.stop() }
        recovery.join()
        #expect(behind.entries == 630)
        #expect(ahead.indexes == Array(600..<630))
    }

    @Test("Entries are made again only for leaves that the tree lacks")
    func entries() async throws {
        let journal = try await filledJournal()
        let seen = SeenLeaves()
        let runner = ViewRunner(GatedView(seen, from: 0, nil), replayingTo: LeafIndex(600)) { Issue.record("\($0)") }
        let recovery = recovery(of: [runner], from: journal.reader, completions: Completions(), ledger: 570)
        try recovery.wait(atMost: .seconds(60))
        runner.stop()
        #expect(seen.indexes == Array(0..<600))
        #expect(seen.entries == 30)
    }

    @Test("A stop during the replay leaves the rest to the next start, and skips nothing")
    func stop() async throws {
        let journal = try await filledJournal()
        let reader = journal.reader
        let seen = SeenLeaves()
        let gate = DispatchSemaphore(value: 0)
        let runner = ViewRunner(GatedView(seen, from: 0, gate), replayingTo: LeafIndex(600)) { Issue.record("\($0)") }
        let completions = Completions()
        let recovery = recovery(of: [runner], from: reader, completions: completions)
        let committer = committer(journal, [runner])
        _ = try await committer.commit(try batch(600..<630), admitted: nil)
        recovery.cancel()
        committer.stop()
        gate.signal()
        runner.stop()
        recovery.join()
        let count = seen.indexes.count
        #expect(seen.indexes == Array(0..<UInt64(count)) && count < 600)
        #expect(completions.count == 0 && !recovery.isOver)
    }

    @Test("A view that fails while it catches up is told of by its own failure, and recovery does not call itself over")
    func failure() async throws {
        let journal = try await filledJournal()
        let failures = Completions()
        let runner = ViewRunner(FailingView(), replayingTo: LeafIndex(600)) { _ in failures.note() }
        let completions = Completions()
        let recovery = recovery(of: [runner], from: journal.reader, completions: completions)
        recovery.join()
        #expect(!recovery.isOver && completions.count == 0 && failures.count == 1)
    }

    @Test("Until it is over searches are refused with a reason, deliveries are taken, and /readyz tells how far it is")
    func requests() async throws {
        let journal = try await filledJournal()
        let gate = DispatchSemaphore(value: 0)
        let runner = ViewRunner(
            GatedView(SeenLeaves(), from: 0, gate), replayingTo: LeafIndex(600)
        ) { Issue.record("\($0)") }
        let recovery = recovery(of: [runner], from: journal.reader, completions: Completions())
        try await TestServer.run({ $0.recoveryWait = .zero }) { server, _ in
            var state = server.service.state
            state.recovery = recovery
            let application = Application(router: CustodyApplication(state).router())
            try await application.test(.router) { client in
                for (method, path) in [
                    ("GET", "/v1/search?q=*"), ("GET", "/v1/alerts"), ("GET", "/v1/events/0"), ("GET", "/v1/sources"),
                ] {
                    let answer = try await client.send(.init(rawValue: method)!, path)
                    #expect(answer.status == 503 && answer.code == "recovering", "\(path): \(answer.text)")
                    #expect(answer.headers[.retryAfter] != nil)
                }
                let taken = try await client.send(.post, "/v1/events", "{\"id\":\"1\",\"action\":\"x.y\"}")
                #expect(taken.status == 200 && taken["accepted"] as? Int == 1)
                #expect(try await client.send(.get, "/healthz", token: nil).status == 200)
                let ready = try await client.send(.get, "/readyz", token: nil)
                let told = ready["recovery"] as? [String: Any]
                #expect(told?["over"] as? Bool == false && told?["remaining"] as? Int == 600, "\(ready.text)")
                #expect(try await client.send(.get, "/metrics").text.contains("custody_recovery_remaining"))

                gate.signal()
                #expect(try await recovery.isOver(within: .seconds(60)))
                #expect(try await client.send(.get, "/v1/search?q=*").status == 200)
                let over = try await client.send(.get, "/readyz", token: nil)["recovery"] as? [String: Any]
                #expect(over?["over"] as? Bool == true && over?["remaining"] as? Int == 0)
            }
        }
        runner.stop()
        recovery.join()
    }
}

private final class SeenLeaves: Sendable {
    private let state = Mutex<(indexes: [UInt64], entries: Int)>(([], 0))
    var indexes: [UInt64] { state.withLock { $0.indexes } }
    var entries: Int { state.withLock { $0.entries } }
    func note(_ indexes: Range<UInt64>, entries: Int) {
        state.withLock {
            $0.indexes += indexes
            $0.entries += entries
        }
    }
}

private final class Completions: Sendable {
    private let noted = Mutex(0)
    var count: Int { noted.withLock { $0 } }
    func note() { noted.withLock { $0 += 1 } }
}

/// Waits before the first batch until it is let go on.
private final class GatedView: View {
    let name = "gated"
    private(set) var cursor: LeafIndex
    var durableCursor: LeafIndex { cursor }
    private let seen: SeenLeaves
    private var gate: DispatchSemaphore?

    init(_ seen: SeenLeaves, from cursor: UInt64, _ gate: DispatchSemaphore?) {
        self.seen = seen
        self.cursor = LeafIndex(cursor)
        self.gate = gate
    }

    func process(_ batch: CommittedBatch) throws {
        gate?.wait()
        gate = nil
        seen.note(cursor.rawValue..<batch.endIndex.rawValue, entries: batch.entries.count)
        cursor = batch.endIndex
    }

    func tick() throws {}
    func finish() throws {}
}

private final class FailingView: View {
    private struct Failure: Error {}
    let name = "failing"
    let cursor = LeafIndex(0)
    let durableCursor = LeafIndex(0)
    func process(_ batch: CommittedBatch) throws { throw Failure() }
    func tick() throws {}
    func finish() throws {}
}
