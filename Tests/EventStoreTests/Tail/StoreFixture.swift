import DurableFiles
import EventModel
import Journal
import SystemPackage
import TestSupport

@testable import EventStore

/// A store on a disk in memory, small enough that few rows make files and merges.
struct StoreFixture {
    static let directory: FilePath = "/data/segments"

    var disk: FaultingFileSystem
    var records: SegmentFixture
    var settings = SegmentStoreSettings()
    /// A moment in the middle of the samples' day.
    var now: Timestamp { Timestamp(seconds: Int64(records.partition.day) * 86_400 + 43_200) }

    init(rows: Int, seed: UInt64 = 5) {
        disk = FaultingFileSystem(seed: seed)
        records = SegmentFixture(
            rows: rows, seed: seed, fields: [.id, .action, .actorName, .clientIP, .artifactDigest, .vcsRepo])
        records.firstIndex = 0
        settings.worksInBackground = false
        settings.sealRows = 64
        settings.flushRows = 16
        settings.memoryMergeFactor = 3
        settings.fileMergeFactor = 4
    }

    func open() throws -> SegmentStore {
        try disk.createDirectory("/data")
        return try SegmentStore(directory: Self.directory, fileSystem: disk, settings: settings)
    }

    /// Appends the rows from the store's next leaf up to an end, in small batches, as the journal replays them.
    func append(upTo end: Int, to store: SegmentStore, batchRows: Int = 10) throws {
        var row = Int(store.nextIndex.rawValue)
        while row < end {
            let next = min(end, row + batchRows)
            try store.append(records.batch(row..<next), now: now)
            row = next
        }
    }

    /// The leaf and bytes of every searchable record, in leaf order.
    func contents(_ rows: [any EventRows]) throws -> [UInt64: [UInt8]] {
        var found: [UInt64: [UInt8]] = [:]
        for part in rows {
            try part.withRecords(0..<part.rowCount) { row, record in
                let index = try part.leafIndex(ofRow: row).rawValue
                if found[index] != nil { throw EventStoreError(.damaged, "leaf \(index) is there twice") }
                found[index] = Array(record.bytes)
                return true
            }
        }
        return found
    }

    /// What the first rows ought to be.
    func expected(_ count: Int) -> [UInt64: [UInt8]] {
        Dictionary(uniqueKeysWithValues: (0..<count).map { (UInt64($0), records.records[$0]) })
    }

    var segmentFiles: [String] {
        get throws {
            let day = Self.directory.appending(SegmentEntry.dayText(records.partition.day)).appending("0")
            guard try disk.exists(day) else { return [] }
            return try disk.list(day)
        }
    }
}
