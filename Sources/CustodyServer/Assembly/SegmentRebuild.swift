import DurableFiles
import EventModel
import EventStore
import Foundation
import Journal
import SystemPackage

/// Writes the search index anew from the payloads: a second store beside the first, which then takes its place.
///
/// The old segments stay until the new ones are complete and durable. A crash at any moment leaves one whole set, and the next
/// ``run()`` goes on from there.
struct SegmentRebuild {
    /// Events handed to the new store at a time.
    private static let batchEvents = 4_096

    let segments: FilePath
    let fileSystem: any FileSystem

    private var fresh: FilePath { sibling(".new") }
    private var old: FilePath { sibling(".old") }

    /// Returns how many events were written.
    ///
    /// - Throws: When a segment cannot be read: then nothing has changed.
    func run() throws -> Int {
        try recover()
        let inspection = try SegmentInspection(directory: segments, fileSystem: fileSystem)
        if let fault = inspection.faults.first { throw ConfigurationError("\(fault); restore it before rebuilding") }
        try fileSystem.createDirectory(fresh)
        let store = try SegmentStore(directory: fresh, fileSystem: fileSystem)
        var events = 0
        for segment in inspection.segments.sorted(by: { $0.indexes.lowerBound < $1.indexes.lowerBound }) {
            try copy(segment, to: store)
            events += segment.rowCount
        }
        try store.close()
        try fileSystem.rename(segments, to: old)
        try fileSystem.rename(fresh, to: segments)
        try fileSystem.synchronizeDirectory(segments.removingLastComponent())
        try remove(old)
        return events
    }

    /// Finishes or undoes what a crash has left.
    private func recover() throws {
        if try fileSystem.exists(old) {
            if try fileSystem.exists(fresh) {
                // It went down between the two renames: the new set was complete.
                if try fileSystem.exists(segments) { try remove(segments) }
                try fileSystem.rename(fresh, to: segments)
                try fileSystem.synchronizeDirectory(segments.removingLastComponent())
            }
            try remove(old)
        }
        if try fileSystem.exists(fresh) { try remove(fresh) }
    }

    private func copy(_ segment: SegmentReader, to store: SegmentStore) throws {
        var seeds = SeedTable()
        let keys = try segment.withDeliveryKeys { $0.map(Array.init) ?? [] }
        var bytes: [UInt8] = []
        var entries: [RecordBatch.Entry] = []
        var partition: JournalPartition?
        var start: LeafIndex?
        func flush() throws {
            guard let partition, let first = start else { return }
            for bundle in try segment.seeds() { seeds[bundle: bundle.bundle, partition] = bundle.seed }
            try store.append(
                RecordBatch(partition: partition, start: first, bytes: bytes, entries: entries, seeds: seeds),
                now: WallClock.now())
            bytes.removeAll(keepingCapacity: true)
            entries.removeAll(keepingCapacity: true)
            start = nil
        }
        try segment.withRecords(0..<segment.rowCount) { row, view in
            let index = try segment.leafIndex(ofRow: row)
            guard index.rawValue == (start ?? index).rawValue + UInt64(entries.count), index >= store.nextIndex else {
                throw ConfigurationError("the leaves of \(segment.name) are not in one row")
            }
            partition = JournalPartition(day: view.received.day, retentionClass: view.retentionClass)
            start = start ?? index
            entries.append(
                .init(range: bytes.count..<bytes.count + view.bytes.count, key: keys.isEmpty ? .none : keys[row]))
            bytes.append(contentsOf: view.bytes)
            if entries.count == Self.batchEvents { try flush() }
            return true
        }
        try flush()
    }

    private func sibling(_ suffix: String) -> FilePath { FilePath(segments.string + suffix) }

    private func remove(_ directory: FilePath) throws {
        // Segments of one store: a manifest and two levels of directories.
        try FileManager.default.removeItem(atPath: directory.string)
    }
}
