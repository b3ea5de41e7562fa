package import DurableFiles
package import EventModel
import Journal
package import SystemPackage

/// The storage side of the embedded event store: takes leaves from the journal in order, makes them searchable, and
/// moves them to durable segment files.
///
/// One thread owns a store and makes all calls; they may block. Other threads use ``view``. A store is a view of the
/// journal: after a restart, hand it the journal's leaves from ``nextIndex`` on; what is in segments already is skipped.
/// Days of receipt and retention classes never share a segment.
///
/// When a segment cannot be written for want of space or because of an I/O error, its rows stay in memory and searchable,
/// ``failure`` says why, and it is tried again ``SegmentStoreSettings/retryDelay`` later. A failed synchronisation
/// (`DurableFilesError`, `syncFailed`) and a manifest in doubt are thrown from the owner's next call and must end the
/// process: nothing that the store would do next could be trusted.
package final class SegmentStore {
    /// What other threads see.
    package let view = StoreSnapshots()
    /// The next leaf that the store expects.
    package internal(set) var nextIndex: LeafIndex
    /// Every leaf below this is in a durable segment: the journal may let go of it.
    package var durableIndex: LeafIndex { manifest.durable }
    /// Segments that were missing or damaged when the store was opened. They are kept from search, never removed.
    package let faults: [SegmentFault]
    /// What was read again; nil for a store that keeps none.
    var overlays: OverlaySet?

    let directory: SegmentDirectory
    let settings: SegmentStoreSettings
    var manifest: Manifest
    var partitions: [JournalPartition: PartitionState] = [:]
    var counters = StoreCounters()
    var sealJob: (job: StoreJob<SegmentReader>, state: PartitionState)?
    var mergeJob: (job: StoreJob<SegmentReader>, state: PartitionState, files: Range<Int>)?
    /// What others want to be destroyed.
    package let orders = StoreOrders()
    var rewriting: SegmentRewriting?
    /// Why the last attempt to write a segment failed; nil after one that succeeded.
    package internal(set) var failure: (any Error)?
    /// No job begins before this.
    var retryTime: Timestamp?
    /// When the oldest row that is not searchable was appended.
    private var pendingSince: Timestamp?
    private var pendingRows = 0
    private var pendingBytes = 0

    /// Opens the store in a directory, which is made when missing, and removes files that no manifest names.
    ///
    /// Missing or damaged segments are no error: see ``faults``. Cost: the manifest, and header and directory of each
    /// segment; nothing else is read.
    /// - Parameter overlays: where to keep what is read again; nil for a store that is to have none.
    /// - Throws: `manifestUnusable`, `unknownVersion`, or `DurableFilesError`.
    package init(
        directory path: FilePath, overlays: FilePath? = nil, fileSystem: any FileSystem,
        settings: SegmentStoreSettings = SegmentStoreSettings()
    ) throws {
        directory = SegmentDirectory(path: path, fileSystem: fileSystem)
        self.settings = settings
        manifest = try directory.loadManifest()
        nextIndex = manifest.durable
        var faults: [SegmentFault] = []
        for entry in manifest.segments {
            let state =
                partitions[entry.partition]
                ?? PartitionState(entry.partition, compressionLevel: settings.compressionLevel)
            partitions[entry.partition] = state
            do {
                state.files.append(.init(entry: entry, reader: try directory.open(entry)))
            } catch let fault as SegmentFault {
                state.files.append(.init(entry: entry, reader: nil))
                faults.append(fault)
            }
        }
        var overlaid = try overlays.map { try OverlaySet(OverlayDirectory(path: $0, fileSystem: fileSystem)) }
        try overlaid?.removeOrphans(besides: Set(manifest.segments.map(\.partition)))
        self.overlays = overlaid
        self.faults = faults + (overlaid?.faults ?? [])
        _ = try directory.removeStrays(besides: manifest.segments)
        for (partition, last) in manifest.sealed { partitions[partition]?.sealedThrough = last }
        publishSnapshot()
    }

    // MARK: Appending

    /// Takes the next leaves. They are searchable after ``flush()``, which happens by itself when enough have gathered.
    ///
    /// Leaves below ``nextIndex`` are skipped, those that are in a segment already too.
    /// - Parameter now: the wall clock, for the age of what waits.
    /// - Throws: `refused` when leaves are missing before the batch, or a record is not a sealed form of the batch's
    ///   partition; see the type for the rest.
    package func append(_ batch: RecordBatch, now: Timestamp) throws {
        guard batch.start <= nextIndex else {
            throw EventStoreError(.refused, "leaves \(nextIndex) to \(batch.start) are missing before the batch")
        }
        let state = state(of: batch.partition)
        // After a destruction a bundle that is still open has a new seed: rows of the old one are a segment of their own.
        if state.writer?.hasOtherSeeds(than: batch.seeds) == true { _ = try state.flush() }
        let first = max(nextIndex.rawValue, (state.sealedThrough ?? 0) + (state.sealedThrough == nil ? 0 : 1))
        let skipped = Int(clamping: first &- batch.start.rawValue)
        try batch.bytes.withUnsafeBytes { bytes in
            for position in batch.entries.indices.dropFirst(skipped) {
                let entry = batch.entries[position]
                let index = LeafIndex(batch.start.rawValue + UInt64(position))
                try state.append(
                    sealedView(bytes.slice(entry.range), index, batch), index: index, key: entry.key,
                    known: entry.known)
                nextIndex = LeafIndex(index.rawValue + 1)
                pendingRows += 1
                pendingBytes += entry.range.count
                counters.appendedRows += 1
            }
        }
        if let writer = state.writer, writer.rowCount > 0, first < batch.end.rawValue {
            // A batch may bring more seeds than its own: a segment holds those of its records and no other.
            for bundle in JournalBundle.numbers(of: max(first, batch.start.rawValue)..<batch.end.rawValue) {
                guard let seed = batch.seeds[bundle: bundle, batch.partition] else { continue }
                writer.append(seed: BundleSeed(bundle: bundle, seed: seed))
            }
        }
        nextIndex = max(nextIndex, batch.end)
        if pendingRows > 0, pendingSince == nil { pendingSince = now }
        try tick(now: now)
    }

    private func sealedView(
        _ bytes: UnsafeRawBufferPointer, _ index: LeafIndex, _ batch: RecordBatch
    ) throws -> SealedView {
        do {
            let record = try SealedView(bytes)
            guard record.retentionClass == batch.partition.retentionClass, record.received.day == batch.partition.day
            else { throw EventModelError(.malformedSealedForm, "is of another day or class than its batch") }
            return record
        } catch let error as EventModelError {
            throw EventStoreError(.refused, "leaf \(index): \(error.reason)")
        }
    }

    private func state(of partition: JournalPartition) -> PartitionState {
        if let state = partitions[partition] { return state }
        let state = PartitionState(partition, compressionLevel: settings.compressionLevel)
        state.sealedThrough = manifest.sealed[partition]
        partitions[partition] = state
        return state
    }

    /// Makes everything that was appended searchable.
    package func flush() throws {
        pendingSince = nil
        guard pendingRows > 0 else { return }
        pendingRows = 0
        pendingBytes = 0
        for state in partitions.values where try state.flush() {
            counters.flushes += 1
            counters.memoryMergedRows += try state.mergeMemory(factor: settings.memoryMergeFactor)
        }
        publishSnapshot()
    }

    /// Does what is due: flushes, takes over finished files, begins seals and merges. Call it when nothing was appended
    /// for a quarter of a second.
    ///
    /// - Throws: see the type.
    package func tick(now: Timestamp) throws {
        let isOld = pendingSince.map { now.rawValue - $0.rawValue >= settings.flushAge || now < $0 } ?? false
        if isOld || pendingRows >= settings.flushRows || pendingBytes >= settings.flushBytes { try flush() }
        try maintain(now: now)
    }

    /// Writes everything to durable segments and waits for it: then ``durableIndex`` equals ``nextIndex``.
    ///
    /// - Throws: whatever kept a segment from being written; the rows stay in memory then.
    package func seal() throws {
        try flush()
        try finishJobs()
        for state in partitions.values.sorted(by: { $0.partition.precedes($1.partition) }) where !state.memory.isEmpty {
            startSeal(state)
            try finishJobs()
            if let failure { throw failure }
        }
        if durableNow > manifest.durable { try publishManifest { _ in } }
    }

    /// Seals everything and waits for running merges. Orders that are not done are refused; whoever gave them has to give
    /// them again.
    package func close() throws {
        refuseOrders(EventStoreError(.refused, "the store is closing"))
        try seal()
    }

    func publishSnapshot() {
        var readers: [SegmentReader] = []
        counters.segments = 0
        counters.bytes = 0
        counters.quarantined = 0
        counters.memoryRows = 0
        for state in partitions.values {
            for file in state.files {
                guard let reader = file.reader else {
                    counters.quarantined += 1
                    continue
                }
                counters.segments += 1
                counters.bytes += file.entry.fileBytes
                readers.append(reader)
            }
            readers += state.memory
            counters.memoryRows += state.memoryRows
        }
        counters.rows = readers.reduce(0) { $0 + $1.rowCount }
        let overlaid = overlays?.view(over: readers) ?? OverlayView()
        counters.overlayFiles = overlaid.overlays.count
        counters.overlayRows = overlaid.overlays.reduce(0) { $0 + $1.rowCount }
        view.publish(readers, counters, overlaid)
    }
}
