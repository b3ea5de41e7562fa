import EventModel
import Journal
import Testing

@testable import EventStore

/// The index is a function of the records, and a leaf of the ledger commits to it: how it is made must not change it.
struct IndexDigestTests {
    @Test(
        "The index of varied records has the digest that it has had since version 9 of the format",
        arguments: [
            (1 as UInt64, "4c4548b84ca496d25b363c33ddc78bddec37f619ee71a7b9e7c7852cfc4c8eb3"),
            (2, "c3956a36633b4ef003c0a9e32f35fd3756d7e3b7f23ad0becd1316e439696829"),
        ])
    func digestStays(seed: UInt64, digest: String) throws {
        var records = VariedRecords(seed: seed)
        let sealed = (0..<1_024).map { _ in records.next() }
        let cuts = [0, 1, 200, 256, 900, 1_024]
        let parts = try zip(cuts, cuts.dropFirst()).map { try Self.segment(sealed, $0..<$1) }
        let memory = SegmentMemory(capacity: 4_096)
        try SegmentMerger(parts, compressionLevel: 1).write(to: memory)
        let merged = try SegmentReader(.memory(memory), name: "merged")
        for reader in [try Self.segment(sealed, 0..<1_024), merged] {
            let text = try reader.indexDigest().map { String(Int($0) + 0x100, radix: 16).dropFirst() }.joined()
            #expect(text == digest)
        }
    }

    private static func segment(_ records: [[UInt8]], _ rows: Range<Int>) throws -> SegmentReader {
        let partition = JournalPartition(day: 20_775, retentionClass: 0)
        let writer = try SegmentWriter(partition: partition, compressionLevel: 1)
        for row in rows {
            try records[row].withUnsafeBytes {
                try writer.append(SealedView($0), index: LeafIndex(UInt64(row)), key: .none)
            }
        }
        return try SegmentReader(.memory(#require(try writer.finish())), name: "memory")
    }
}
