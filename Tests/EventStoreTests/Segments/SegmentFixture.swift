import EventModel
import Journal
import TestSupport

@testable import EventStore

/// Records and the segments made of them, for tests.
struct SegmentFixture {
    var partition = JournalPartition(day: 20_775, retentionClass: 0)
    var records: [[UInt8]] = []
    var keys: [RecordKey] = []
    var firstIndex: UInt64 = 1_000

    /// - Parameter rows: how many records; their keys and seeds follow from their leaf indexes.
    init(rows: Int, seed: UInt64 = 7, fields: [Field] = Field.allCases) {
        var samples = SealedSamples(seed: seed, fields: fields)
        partition = JournalPartition(day: samples.start.day, retentionClass: 0)
        records = (0..<rows).map { _ in samples.next() }
        keys = (0..<rows).map { RecordKey(delivery: ~UInt64($0) &* 31, payload: UInt32($0)) }
    }

    static func seed(ofBundle bundle: UInt64) -> SaltSeed {
        var generator = SequenceGenerator(state: bundle)
        return SaltSeed(root: Bytes32(using: &generator))
    }

    /// A segment of some of the rows. Every `stride`-th leaf is in it.
    func segment(_ rows: Range<Int>, stride: UInt64 = 1) throws -> SegmentReader {
        let writer = try SegmentWriter(partition: partition, compressionLevel: 1)
        for row in rows {
            let index = firstIndex + UInt64(row) * stride
            try records[row].withUnsafeBytes {
                try writer.append(SealedView($0), index: LeafIndex(index), key: keys[row])
            }
            writer.append(seed: BundleSeed(bundle: index / 256, seed: Self.seed(ofBundle: index / 256)))
        }
        guard let memory = try writer.finish() else { throw EventStoreError(.refused, "no rows") }
        return try SegmentReader(.memory(memory), name: "memory")
    }

    /// The batch of some of the rows, for a store.
    func batch(_ rows: Range<Int>) -> RecordBatch {
        var bytes: [UInt8] = []
        var entries: [RecordBatch.Entry] = []
        var seeds = SeedTable()
        for row in rows {
            entries.append(.init(range: bytes.count..<bytes.count + records[row].count, key: keys[row]))
            bytes += records[row]
            let bundle = (firstIndex + UInt64(row)) / 256
            seeds[bundle: bundle, partition] = Self.seed(ofBundle: bundle)
        }
        return RecordBatch(
            partition: partition, start: LeafIndex(firstIndex + UInt64(rows.lowerBound)), bytes: bytes,
            entries: entries, seeds: seeds)
    }
}

struct SequenceGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state
    }
}

extension SegmentReader {
    /// A copy of the segment's bytes.
    var copiedBytes: [UInt8] { Array(storage.bytes) }

    static func reading(_ bytes: [UInt8], name: String = "copy") throws -> SegmentReader {
        let memory = SegmentMemory(capacity: bytes.count)
        bytes.withUnsafeBytes { memory.append($0) }
        return try SegmentReader(.memory(memory), name: name)
    }
}
