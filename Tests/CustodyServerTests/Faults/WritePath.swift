import DurableFiles
import EventModel
import EventStore
import Foundation
import Identity
import Journal
import Ledger
import SystemPackage

@testable import CustodyServer
@testable import Intake

/// The write path of a server, intake → journal → ledger → store, on one thread, so that a seed gives the same order of
/// disk operations each time. Opening is the server's own.
struct WritePath {
    static let directory: FilePath = "/data"
    /// Kept outside the disk that fails: a key file is written once, before the first event.
    static let keys: InstallationKeys = {
        do {
            return try InstallationKeys(directory: "/", fileSystem: FaultingFileSystem(seed: 1))
        } catch {
            fatalError("\(error)")
        }
    }()

    static var configuration: ServerConfiguration {
        var configuration = ServerConfiguration()
        configuration.dataDirectory = directory
        return configuration
    }

    private let stored: StoredState
    private var table: DeduplicationTable
    private let ledgerView: LedgerView
    private let storeView: SearchIndexView
    private let clock: ManualInstant

    /// Opens, recovers, and lets the views catch up, as a starting server does.
    init(_ disk: FaultingFileSystem, detected: UInt64, seed: UInt64) throws {
        var sizes = StoredState.Sizes()
        // So small that files of all kinds are begun, recycled and merged within some twenty events.
        sizes.journal.fileBytes = 900
        sizes.segments.worksInBackground = false
        sizes.segments.sealRows = 8
        sizes.segments.flushRows = 2
        sizes.segments.memoryMergeFactor = 2
        sizes.segments.fileMergeFactor = 2
        sizes.random = SeededGenerator(seed: seed)
        let configuration = Self.configuration
        for path in [configuration.dataDirectory, configuration.journal, configuration.ledger, configuration.segments] {
            try disk.createDirectory(path)
        }
        let now = Timestamp(seconds: WritePathHistory.firstSecond + 3_600)
        stored = try StoredState(
            configuration, fileSystem: disk, keys: Self.keys, detectionCursor: LeafIndex(detected), sizes: sizes,
            now: { now })
        table = stored.table
        let clock = ManualInstant()
        self.clock = clock
        ledgerView = LedgerView(stored.ledger, now: { clock.now })
        storeView = SearchIndexView(stored.store, now: { now.advanced(byNanoseconds: clock.nanoseconds) })
        let first = min(ledgerView.cursor, storeView.cursor)
        try stored.journal.reader.read(from: first.rawValue) { batch in
            try process(CommittedBatch(replaying: batch, keyer: stored.keyer))
        }
    }

    var end: UInt64 { stored.journal.nextIndex }
    var ledger: LedgerReader { stored.ledgerReader }

    /// Commits a group as the committer does: plan, one append, acknowledge, views, recycle.
    mutating func commit(_ deliveries: [WritePathHistory.Delivery], _ record: WritePathRecord) throws {
        record.promises.unanswered = deliveries
        var plan = GroupPlan(deliveries.map(\.batch), startingAt: LeafIndex(end), table: table)
        let first = end
        _ = try stored.journal.append(plan.pages(of: deliveries.map(\.batch)))
        plan.remember(in: &table)
        record.acknowledge(deliveries, plan.outcomes)
        try stored.journal.reader.read(from: first) { batch in
            try process(CommittedBatch(replaying: batch, keyer: stored.keyer))
        }
        record.promises.detected = end
        let durable = min(ledgerView.durableCursor.rawValue, storeView.durableCursor.rawValue)
        if durable > stored.journal.reader.indexes.lowerBound { try stored.journal.recycle(before: durable) }
    }

    /// Lets a second pass.
    func tick(_ record: WritePathRecord) throws {
        clock.advance()
        try ledgerView.tick()
        record.publish(ledger.latest?.checkpoint)
        try storeView.tick()
    }

    /// Publishes a checkpoint over everything, whatever the clock says.
    func publish() throws { try ledgerView.finish() }

    func seal() throws { try stored.store.seal() }

    /// Ends in good order.
    func stop(_ record: WritePathRecord) throws {
        try ledgerView.finish()
        record.publish(ledger.latest?.checkpoint)
        try storeView.finish()
    }

    /// The delivery id of every stored event by its leaf, wherever it lies.
    func storedIDs(_ disk: FaultingFileSystem) throws -> [String] {
        let inspection = try SegmentInspection(directory: Self.configuration.segments, fileSystem: disk)
        if let fault = inspection.faults.first { throw fault }
        var ids: [String] = []
        let events = try StoredEvents(
            segments: inspection.segments, journal: stored.journal.reader, keyer: stored.keyer)
        try events.forEachBatch { batch in
            guard batch.start.rawValue == UInt64(ids.count) else {
                throw ConfigurationError("leaf \(ids.count) is followed by leaf \(batch.start)")
            }
            try batch.bytes.withUnsafeBytes { bytes in
                for entry in batch.entries {
                    ids.append(try SealedView(bytes.slice(entry.range)).text(.sourceDelivery) ?? "")
                }
            }
        }
        return ids
    }

    private func process(_ batch: CommittedBatch) throws {
        if batch.endIndex > ledgerView.cursor { try ledgerView.process(batch) }
        if batch.endIndex > storeView.cursor { try storeView.process(batch) }
    }
}

/// A clock that moves when it is told to.
final class ManualInstant {
    private let start = ContinuousClock.now
    private(set) var nanoseconds: Int64 = 0
    var now: ContinuousClock.Instant { start + .nanoseconds(nanoseconds) }
    func advance() { nanoseconds += 1_100_000_000 }
}
