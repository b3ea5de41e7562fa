import EventModel
import Journal
import TestSupport
import Testing

@testable import EventStore

struct SegmentMergerTests {
    @Test("Merging parts gives the bytes of building from all records when blocks align")
    func mergeEqualsBuild() throws {
        let fixture = SegmentFixture(rows: 1_024)
        let parts = try [0..<512, 512..<1_024].map { try fixture.segment($0) }
        #expect(try merged(parts).copiedBytes == fixture.segment(0..<1_024).copiedBytes)
    }

    @Test("Merging ragged parts gives the same index and the same records", arguments: [1, 3] as [UInt64])
    func raggedMerge(stride: UInt64) throws {
        let fixture = SegmentFixture(rows: 1_000)
        let cuts = [0, 1, 8, 40, 41, 300, 470, 601, 999, 1_000]
        let parts = try zip(cuts, cuts.dropFirst()).map { try fixture.segment($0..<$1, stride: stride) }
        let merged = try merged(parts)
        let built = try fixture.segment(0..<1_000, stride: stride)
        #expect(try merged.indexDigest() == built.indexDigest())
        #expect(try merged.rebuiltIndexDigest() == built.indexDigest())
        #expect(try merged.seeds() == built.seeds())
        try merged.withRecords(0..<1_000) { row, record in
            #expect(Array(record.bytes) == fixture.records[row])
            return true
        }
        for row in 0..<1_000 { #expect(try merged.withDeliveryKeys { $0?[row] } == fixture.keys[row]) }
    }

    @Test("Merging in two steps gives the same index as in one")
    func mergeIsAssociative() throws {
        let fixture = SegmentFixture(rows: 900, seed: 3)
        let parts = try [0..<200, 200..<410, 410..<700, 700..<900].map { try fixture.segment($0) }
        let left = try merged([parts[0], parts[1]])
        let right = try merged([parts[2], parts[3]])
        #expect(try merged([left, right]).indexDigest() == merged(parts).indexDigest())
    }

    @Test("Large blocks are copied, small ones made into large ones")
    func blocksAreGathered() throws {
        let fixture = SegmentFixture(rows: 640)
        let small = try (0..<32).map { try fixture.segment($0 * 10..<$0 * 10 + 10) }
        let large = try fixture.segment(320..<640)
        let merged = try merged(small + [large])
        let decoder = try BlockDecoder(merged)
        let sizes = (0..<decoder.blockCount).map { decoder.entry($0).rowCount }
        #expect(sizes == [256, 64, 256, 64])
    }

    @Test("Segments that overlap or are out of order are refused")
    func refusesDisorder() throws {
        let fixture = SegmentFixture(rows: 30)
        let (first, second) = (try fixture.segment(0..<20), try fixture.segment(10..<30))
        #expect(throws: EventStoreError.self) { try SegmentMerger([first, second], compressionLevel: 1) }
        #expect(throws: EventStoreError.self) { try SegmentMerger([], compressionLevel: 1) }
        var other = fixture
        other.partition.retentionClass = 1
        #expect(throws: EventStoreError.self) {
            try SegmentMerger([fixture.segment(0..<5), other.segment(6..<8)], compressionLevel: 1)
        }
    }

    private func merged(_ parts: [SegmentReader]) throws -> SegmentReader {
        let memory = SegmentMemory(capacity: 4096)
        try SegmentMerger(parts, compressionLevel: 1).write(to: memory)
        return try SegmentReader(.memory(memory), name: "merged")
    }
}
