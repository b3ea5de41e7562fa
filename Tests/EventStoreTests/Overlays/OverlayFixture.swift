import AccessControl
import Crypto
import DurableFiles
import EventModel
import Journal
import QueryLanguage
import Synchronization
import SystemPackage
import TestSupport

@testable import EventStore

/// A store on a disk in memory with events of a known shape, and readings of some of them.
struct OverlayFixture {
    static let segments: FilePath = "/data/segments"
    static let overlays: FilePath = "/data/overlays"
    static let partition = JournalPartition(day: moment("2026-11-23T00:00:00Z").day, retentionClass: 0)
    static let now = moment("2026-11-23T12:00:00Z")

    var disk: FaultingFileSystem
    var settings = SegmentStoreSettings()
    let count: Int

    init(_ count: Int = 100, seed: UInt64 = 3) throws {
        disk = FaultingFileSystem(seed: seed)
        self.count = count
        settings.worksInBackground = false
        settings.sealRows = 20
        settings.flushRows = 10
        settings.fileMergeFactor = 3
        settings.overlayRows = 16
        try disk.createDirectory("/data")
    }

    func open() throws -> SegmentStore {
        try SegmentStore(
            directory: Self.segments, overlays: Self.overlays, fileSystem: disk, settings: settings)
    }

    /// Event `n`: action `old.N`, by `person(n % 5)`, in the repository `acme/(n % 3)`, of the source `even` or `odd`.
    static func sample(_ index: UInt64) -> Sample {
        Sample(
            index, "2026-11-23T\(String(10 + index / 60)):\(two(index % 60)):00Z",
            [
                (.sourceName, index % 2 == 0 ? "even" : "odd"), (.action, "old.\(index % 7)"),
                (.actorName, "person\(index % 5)"), (.vcsRepo, "acme/\(index % 3)"),
            ], payload: #"{"n":\#(index),"word":"payload\#(index % 4)"}"#)
    }

    private static func two(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// The same event as a better connector reads it.
    static func reading(
        _ index: UInt64, by version: String = "doorbell/2", _ changed: [(Field, String)] = []
    ) -> Sample {
        var sample = sample(index)
        let values = [(Field.action, "new.\(index % 4)"), (.normOverlay, version), (.normVersion, version)] + changed
        for (field, value) in values {
            sample.fields.removeAll { $0.0 == field }
            sample.fields.append((field, [value]))
        }
        return sample
    }

    func append(to store: SegmentStore, upTo end: Int? = nil) throws {
        var next = Int(store.nextIndex.rawValue)
        let end = end ?? count
        while next < end {
            let last = min(end, next + 10)
            var bytes: [UInt8] = []
            var entries: [RecordBatch.Entry] = []
            var seeds = SeedTable()
            for index in next..<last {
                let record = Self.sample(UInt64(index)).sealed
                entries.append(.init(range: bytes.count..<bytes.count + record.count, key: .none))
                bytes += record
                seeds[bundle: UInt64(index) / 256, Self.partition] = SegmentFixture.seed(ofBundle: UInt64(index) / 256)
            }
            try store.append(
                RecordBatch(
                    partition: Self.partition, start: LeafIndex(UInt64(next)), bytes: bytes, entries: entries,
                    seeds: seeds), now: Self.now)
            next = last
        }
        try store.flush()
    }

    /// Gives an order and lets the store work until it is done.
    static func wait<Output: Sendable>(
        _ store: SegmentStore,
        _ give: (@escaping @Sendable (Result<Output, any Error>) -> Void) -> Void
    ) throws -> Output {
        let outcome = Mutex<Result<Output, any Error>?>(nil)
        give { result in outcome.withLock { $0 = result } }
        while true {
            try store.tick(now: now)
            if let result = outcome.withLock({ $0 }) { return try result.get() }
        }
    }

    static func begin(_ store: SegmentStore, source: String = "even") throws -> OverlayDraft {
        try wait(store) { store.orders.give(.begin(source: source, $0)) }
    }

    static func publish(_ draft: OverlayDraft, _ store: SegmentStore) throws {
        try wait(store) { store.orders.give(.publish(draft, $0)) }
    }

    static func fill(_ draft: OverlayDraft, _ readings: [Sample]) throws {
        let writer = try draft.writer(of: partition)
        for reading in readings {
            try reading.sealed.withUnsafeBytes { try writer.append(SealedView($0), index: LeafIndex(reading.index)) }
        }
        try writer.finish()
    }

    /// Reads some events of a source again.
    static func overlay(_ readings: [Sample], source: String = "even", on store: SegmentStore) throws {
        let draft = try begin(store, source: source)
        try fill(draft, readings)
        try publish(draft, store)
    }

    static func destroy(_ change: SegmentRewrite, on store: SegmentStore) throws -> Int {
        try wait(store) { store.orders.submit(change, $0) }
    }

    static var change: SegmentRewrite {
        SegmentRewrite { group, salt, bytes in
            var hash = SHA256()
            hash.update(data: [group] + salt)
            hash.update(bufferPointer: bytes)
            return hash.finalize().withUnsafeBytes { Bytes32($0) }
        }
    }

    static func searcher(_ store: SegmentStore) -> EmbeddedEventStore {
        let view = store.view
        return EmbeddedEventStore(
            reading: { view.reading() }, cursorKey: SymmetricKey(data: [UInt8](repeating: 7, count: 32)),
            now: { now }, clock: { 0 })
    }

    static func request(_ query: String, restriction: Filter? = nil) throws -> SearchRequest {
        SearchRequest(
            query: try Query(parsing: query, now: now), restriction: restriction, since: Timestamp(rawValue: .min))
    }

    var overlayFiles: [String] {
        get throws {
            let day = Self.overlays.appending(SegmentEntry.dayText(Self.partition.day)).appending("0")
            return try disk.exists(day) ? disk.list(day).sorted() : []
        }
    }
}

extension EmbeddedEventStore {
    /// The leaves that a query finds.
    func leaves(
        _ query: String, _ reading: SearchOptions.Reading = .current, restriction: Filter? = nil
    ) async throws -> Set<UInt64> {
        let result = try await search(
            OverlayFixture.request(query, restriction: restriction), SearchOptions(limit: 1_000, reading: reading))
        return Set(result.events.map(\.index.rawValue))
    }
}
