package import EventModel
package import Journal
import Synchronization

/// Plain counters of the store's work since it was opened, and its present size.
package struct StoreCounters: Equatable, Sendable {
    /// Present: searchable rows, those of them in no file yet, files and their bytes, files kept from search.
    package var rows = 0
    package var memoryRows = 0
    package var segments = 0
    package var bytes: UInt64 = 0
    package var quarantined = 0
    /// Present: files of what was read again, and their rows.
    package var overlayFiles = 0
    package var overlayRows = 0
    /// Since opening.
    package var appendedRows = 0
    package var flushes = 0
    package var memoryMergedRows = 0
    package var seals = 0
    package var sealedRows = 0
    package var fileMerges = 0
    package var fileMergedRows = 0
    package var failures = 0
    package var rewrites = 0
}

/// What other threads see of the store: immutable snapshots, replaced as a whole by the store's owner.
package final class StoreSnapshots: Sendable {
    private struct State {
        var readers: [SegmentReader] = []
        var rows: [any EventRows] = []
        var overlays = OverlayView()
        var counters = StoreCounters()
        var quarantined: Set<String> = []
    }

    private let state = Mutex(State())

    init() {}

    /// All searchable rows, ascending by first leaf. Segments of several days or classes interleave. What the snapshot
    /// holds stays readable as long as it is held, merged and removed files included. Cost: a reference.
    package func snapshot() -> [any EventRows] { state.withLock { $0.rows } }

    /// The same with what was read again, for searches.
    package func reading() -> StoreReading { state.withLock { StoreReading($0.rows, $0.overlays) } }

    /// The same as segments, for exports, verification and retention.
    package func segments() -> [SegmentReader] { state.withLock { $0.readers } }

    package var counters: StoreCounters { state.withLock { $0.counters } }

    /// A searchable record by its leaf; nil when the store does not hold it (or not yet: see the journal).
    ///
    /// - Throws: `damaged`.
    /// - Complexity: O(segments) and one block of 512 records.
    package func record(at index: LeafIndex) throws -> StoredRecord? {
        for reader in segments() where reader.indexes.contains(index) {
            guard let row = try reader.row(of: index) else { continue }
            var bytes: [UInt8] = []
            try reader.withRecords(CollectionOfOne(row)) { _, record in
                bytes = Array(record.bytes)
                return false
            }
            let key = try reader.withDeliveryKeys { $0?[row] ?? .none }
            return StoredRecord(index: index, bytes: bytes, key: key, seed: try reader.seed(for: index))
        }
        return nil
    }

    /// The seed that salts a leaf's record; nil when the store does not hold it.
    package func seed(for index: LeafIndex) throws -> SaltSeed? {
        for reader in segments() where try reader.indexes.contains(index) && reader.row(of: index) != nil {
            return try reader.seed(for: index)
        }
        return nil
    }

    /// Visits the delivery keys of segments, one after the other, for rebuilding deduplication at start: 12 bytes a row, read in
    /// order at memory speed.
    ///
    /// - Throws: `damaged`, and whatever `body` throws.
    package func withDeliveryKeys(
        of segments: [SegmentReader],
        _ body: (_ rows: SegmentReader, _ keys: UnsafeBufferPointer<RecordKey>) throws -> Void
    ) throws {
        for reader in segments {
            try reader.withDeliveryKeys { keys in
                if let keys { try body(reader, keys) }
            }
            reader.release(.deliveryKeys)
        }
    }

    /// Keeps a segment from further searches after damage was found in it. Its file and its place in the manifest stay.
    ///
    /// Whoever calls this makes it known: a search without the segment is not complete.
    package func quarantine(_ segment: SegmentReader) {
        state.withLock {
            guard segment.isFile, $0.quarantined.insert(segment.name).inserted else { return }
            $0.readers.removeAll { $0.name == segment.name }
            $0.rows = $0.readers
            $0.counters.quarantined += 1
        }
    }

    func isQuarantined(_ name: String) -> Bool { state.withLock { $0.quarantined.contains(name) } }

    /// Replaces the snapshot; segments that were quarantined stay out of it.
    func publish(_ readers: [SegmentReader], _ counters: StoreCounters, _ overlays: OverlayView) {
        let sorted = readers.sorted { $0.header.firstIndex < $1.header.firstIndex }
        state.withLock { state in
            let live = state.quarantined.isEmpty ? sorted : sorted.filter { !state.quarantined.contains($0.name) }
            state.readers = live
            state.rows = live
            state.overlays = overlays
            state.counters = counters
            state.counters.quarantined += state.quarantined.count
        }
    }
}
