import EventModel
import Journal
import Testing

@testable import EventStore

@Suite("Leaf indexes with gaps")
struct LeafRunsTests {
    private static func segment(_ indexes: [UInt64]) throws -> SegmentReader {
        let fixture = SegmentFixture(rows: 1)
        let writer = try SegmentWriter(partition: fixture.partition, compressionLevel: 1)
        for index in indexes {
            try fixture.records[0].withUnsafeBytes {
                try writer.append(SealedView($0), index: LeafIndex(index), key: .none)
            }
        }
        let memory = try #require(try writer.finish())
        return try withExtendedLifetime(memory) { try SegmentReader.reading(Array(memory.bytes)) }
    }

    @Test(
        "Few gaps are stored as runs, many as an offset for each row; either way rows and indexes are found",
        arguments: [
            ([5], nil), ([], nil), ([100], 0), ([1, 2, 3], 0), ([0, 50, 51, 299], 0),
            (Array(stride(from: 0, to: 300, by: 2)), 4),
        ] as [([UInt64], Int?)])
    func gaps(missing: [UInt64], width: Int?) throws {
        let all = (0..<300).map { UInt64($0) }
        // A missing first or last leaf is no gap.
        let indexes = (width == nil ? all : all.filter { !missing.contains($0) }).map { $0 + 1_000 }
        let segment = try Self.segment(indexes)
        #expect(segment.section(.leafIndexes).map { Int($0.width) } == width)
        var index = try segment.leafIndexes()
        for row in Array(indexes.indices) + [0, 120, 7, 8, 149] {
            let found = index(row)
            #expect(found.rawValue == indexes[row])
            #expect(try segment.leafIndex(ofRow: row).rawValue == indexes[row])
        }
        for wanted in 990...1_310 as ClosedRange<UInt64> {
            #expect(try segment.row(of: LeafIndex(wanted)) == indexes.firstIndex(of: wanted))
        }
        let map = try segment.bundleMap()
        let bundles = Dictionary(grouping: indexes.indices) { indexes[$0] / 256 }
        #expect(map.count == bundles.count)
        for (ordinal, bundle) in bundles.keys.sorted().enumerated() {
            #expect(Array(map.rows(of: ordinal)) == bundles[bundle])
        }
    }

    @Test("Runs that contradict rows or header are damage")
    func damage() {
        func isSound(_ words: [UInt64], rows: Int = 10, span: UInt64 = 12) -> Bool {
            words.withUnsafeBytes { LeafRuns($0).isSound(rowCount: rows, span: span) }
        }
        #expect(isSound([0, 0, 4, 5, 8, 11]))
        #expect(isSound([0, 0], rows: 10, span: 9))
        for wrong: [UInt64] in [
            [], [1, 0], [0, 1], [0, 0, 4, 4, 8, 11], [0, 0, 4, 5, 4, 11], [0, 0, 4, 5, 8, 12], [0, 0, 4, 5, 10, 13],
            [0, 0, 4, 5, .max, 11], [0, 0, 4, .max, 8, 11],
        ] {
            #expect(!isSound(wrong), "\(wrong)")
        }
    }
}
