import DurableFiles
import EventModel
import Foundation
import Intake
import Journal
import Ledger
import Synchronization
import SystemPackage
import Testing

@Suite("The committer")
struct CommitterTests {
    private static let keyer = DeliveryKeyer(secret: Array(repeating: 7, count: 32))

    private func batch(_ deliveries: [(id: String, payload: String)]) throws -> PreparedBatch {
        let origin = EventOrigin(name: "github", verified: "hmac")
        var builder = BatchBuilder(origin: origin, received: Timestamp(seconds: 1_790_000_000), keyer: Self.keyer)
        for (position, delivery) in deliveries.enumerated() {
            var record = EventRecord()
            record.set(.sourceKind, "github-webhook")
            record.set(.action, "code.push")
            record.set(.sourceDelivery, delivery.id)
            var payload = delivery.payload
            payload.withUTF8 {
                builder.add(&record, payload: UnsafeRawBufferPointer($0), position: position, part: nil)
            }
        }
        return try builder.finish()
    }

    private func journal(_ fileSystem: any FileSystem) throws -> JournalWriter {
        try JournalWriter(
            directory: "/data/journal", fileSystem: fileSystem, random: SystemRandomNumberGenerator())
    }

    private func committer(
        _ journal: sending JournalWriter, views: [ViewRunner] = [], failures: FailureLog = FailureLog(),
        conflicts: @escaping Committer.ConflictHandler = { _, _ in }
    ) -> Committer {
        Committer(
            journal: journal, table: DeduplicationTable(limit: 10_000), views: views, limits: IntakeLimits(),
            onConflict: conflicts, onFailure: { failures.note($0) })
    }

    @Test("Accepted events get dense indexes in order; the same delivery again gets the first one's")
    func indexes() async throws {
        let disk = FaultingFileSystem(seed: 1)
        try disk.createDirectory("/data/journal")
        let committer = committer(try journal(disk))
        let first = try await committer.commit(try batch([("a", "{}"), ("b", "{}")]), admitted: nil)
        #expect(first == [.accepted(LeafIndex(0)), .accepted(LeafIndex(1))])
        let second = try await committer.commit(try batch([("b", "{}"), ("c", "{}")]), admitted: nil)
        #expect(second == [.duplicate(LeafIndex(1)), .accepted(LeafIndex(2))])
        #expect(committer.counters.duplicates.load(ordering: .relaxed) == 1)
        committer.stop()
    }

    @Test("A delivery id used for other bytes is kept and reported with both indexes")
    func conflict() async throws {
        let disk = FaultingFileSystem(seed: 1)
        try disk.createDirectory("/data/journal")
        let seen = Mutex<[[UInt64]]>([])
        let committer = committer(try journal(disk)) { kept, earlier in
            seen.withLock { $0.append([kept.rawValue, earlier.rawValue]) }
        }
        _ = try await committer.commit(try batch([("a", "{}")]), admitted: nil)
        let outcome = try await committer.commit(try batch([("a", "{\"x\":1}"), ("a", "{\"x\":2}")]), admitted: nil)
        #expect(outcome == [.accepted(LeafIndex(1)), .accepted(LeafIndex(2))])
        committer.stop()
        #expect(seen.withLock { $0 } == [[1, 0], [2, 0]])
    }

    @Test("Views see every event once, in order, with entries that match the journal's")
    func views() async throws {
        let disk = FaultingFileSystem(seed: 1)
        try disk.createDirectory("/data/journal")
        let journal = try journal(disk)
        let reader = journal.reader
        let seen = SeenEvents()
        let runner = ViewRunner(CollectingView(seen)) { _ in }
        let committer = committer(journal, views: [runner])
        for round in 0..<20 {
            _ = try await committer.commit(
                try batch((0..<30).map { ("\(round)-\($0)", "{\"n\":\($0)}") }), admitted: nil)
        }
        committer.stop()
        runner.stop()
        #expect(seen.indexes == Array(0..<600))
        var replayed: [LeafEntry] = []
        try reader.read(from: 0) { replayed += try CommittedBatch(replaying: $0, keyer: Self.keyer).entries }
        #expect(replayed == seen.entries)
    }

    @Test("A full disk refuses the delivery, keeps nothing of it, and the next one succeeds once there is room")
    func diskFull() async throws {
        let disk = FaultingFileSystem(seed: 1)
        try disk.createDirectory("/data/journal")
        let failures = FailureLog()
        let committer = committer(try journal(disk), failures: failures)
        _ = try await committer.commit(try batch([("a", "{}")]), admitted: nil)
        disk.setFaults([Fault(atOperation: 1, .shortWrite(.noSpace))])
        await #expect(throws: IntakeError(.diskFull, "the disk is full")) {
            try await committer.commit(try self.batch([("b", "{}")]), admitted: nil)
        }
        let outcome = try await committer.commit(try batch([("b", "{}")]), admitted: nil)
        #expect(outcome == [.accepted(LeafIndex(1))])
        #expect(failures.count == 0)
        committer.stop()
    }

    @Test("What a view has processed is let go of before it processes the next")
    func budget() async throws {
        let admission = Admission(limit: 1 << 20)
        let seen = Mutex<[Int]>([])
        let runner = ViewRunner(
            BudgetView(admission) { used in seen.withLock { $0.append(used) } }, replayingTo: LeafIndex(1)
        ) { _ in }
        // The first is held back until all of them wait, so that the view takes them together.
        for number in 1..<4 { runner.enqueue(try await Self.empty(UInt64(number), admission.admit(100))) }
        runner.replay(Self.empty(0, nil))
        runner.endReplay()
        runner.waitUntil(processed: LeafIndex(4))
        runner.stop()
        #expect(seen.withLock { $0 } == [300, 300, 200, 100])
        #expect(admission.usedBytes == 0)
    }

    private static func empty(_ index: UInt64, _ admitted: Admitted?) -> CommittedBatch {
        CommittedBatch(
            firstIndex: LeafIndex(index), partition: JournalPartition(day: 0, retentionClass: 0), bytes: [],
            items: [.init(range: 0..<0, key: nil, payloadDigest: 0)], entries: [], seeds: SeedTable(),
            isFresh: true, admitted: admitted)
    }
}

/// Tells what of the budget is used whenever it has something to process.
private final class BudgetView: View {
    let name = "budget"
    private(set) var cursor = LeafIndex(0)
    var durableCursor: LeafIndex { cursor }
    private let admission: Admission
    private let note: @Sendable (Int) -> Void

    init(_ admission: Admission, _ note: @escaping @Sendable (Int) -> Void) {
        self.admission = admission
        self.note = note
    }

    func process(_ batch: CommittedBatch) throws {
        note(admission.usedBytes)
        cursor = batch.endIndex
    }

    func tick() throws {}
    func finish() throws {}
}

/// Counts what would have ended the process.
private final class FailureLog: Sendable {
    private let noted = Mutex(0)
    var count: Int { noted.withLock { $0 } }
    func note(_ error: any Error) { noted.withLock { $0 += 1 } }
}

private final class SeenEvents: Sendable {
    private let state = Mutex<(indexes: [UInt64], entries: [LeafEntry])>(([], []))
    var indexes: [UInt64] { state.withLock { $0.indexes } }
    var entries: [LeafEntry] { state.withLock { $0.entries } }
    func note(_ index: UInt64, _ entry: LeafEntry) {
        state.withLock {
            $0.indexes.append(index)
            $0.entries.append(entry)
        }
    }
}

private final class CollectingView: View {
    let name = "collecting"
    private(set) var cursor = LeafIndex(0)
    var durableCursor: LeafIndex { cursor }
    private let seen: SeenEvents

    init(_ seen: SeenEvents) { self.seen = seen }

    func process(_ batch: CommittedBatch) throws {
        try batch.forEach(from: cursor) { index, _, _ in
            seen.note(index.rawValue, batch.entries[Int(index.rawValue - batch.firstIndex.rawValue)])
        }
        cursor = batch.endIndex
    }

    func tick() throws {}
    func finish() throws {}
}

@Suite("Power loss while committing")
struct CommitPowerLossTests {
    private static let keyer = DeliveryKeyer(secret: Array(repeating: 7, count: 32))

    private func batch(_ ids: [String]) throws -> PreparedBatch {
        var builder = BatchBuilder(
            origin: EventOrigin(name: "github", verified: "hmac"), received: Timestamp(seconds: 1_790_000_000),
            keyer: Self.keyer)
        for (position, id) in ids.enumerated() {
            var record = EventRecord()
            record.set(.sourceKind, "github-webhook")
            record.set(.sourceDelivery, id)
            Array("{\"id\":\"\(id)\"}".utf8).withUnsafeBytes {
                builder.add(&record, payload: $0, position: position, part: nil)
            }
        }
        return try builder.finish()
    }

    /// Every operation of the workload is, in turn, the one at which power goes.
    @Test("Whatever was acknowledged is there at its index after power loss at any operation", arguments: 1...24)
    func everyOperation(operation: Int) async throws {
        let disk = FaultingFileSystem(seed: UInt64(operation))
        try disk.createDirectory("/data/journal")
        let opened = try JournalWriter(
            directory: "/data/journal", fileSystem: disk, random: SystemRandomNumberGenerator())
        let committer = Committer(
            journal: opened, table: DeduplicationTable(limit: 1_000), views: [], limits: IntakeLimits(),
            onConflict: { _, _ in }, onFailure: { _ in })
        disk.setFaults([Fault(atOperation: operation, .powerLoss)])
        var acknowledged: [String: LeafIndex] = [:]
        for round in 0..<10 {
            let ids = (0..<3).map { "\(round)-\($0)" }
            guard let outcomes = try? await committer.commit(try batch(ids), admitted: nil) else { break }
            for (id, outcome) in zip(ids, outcomes) {
                guard case .accepted(let index) = outcome else { continue }
                acknowledged[id] = index
            }
        }
        committer.stop()
        disk.restartMachine()
        let journal = try JournalWriter(
            directory: "/data/journal", fileSystem: disk, random: SystemRandomNumberGenerator())
        var found: [String: LeafIndex] = [:]
        try journal.reader.read(from: 0) { batch in
            try CommittedBatch(replaying: batch, keyer: Self.keyer).forEach { index, view, _ in
                let id = try #require(view.text(.sourceDelivery))
                #expect(found.updateValue(index, forKey: id) == nil, "doubled")
            }
        }
        for (id, index) in acknowledged { #expect(found[id] == index) }
    }
}
