import DurableFiles
import EventModel
import Foundation
import SystemPackage
import Testing

@testable import EventStore

@Suite("Reading records ahead")
struct RecordPrefetchTests {
    @Test("The blocks that hold wanted rows are told of, each once and no other")
    func blocks() throws {
        let segment = try SegmentFixture(rows: 1_100).segment(0..<1_100)
        let all = try RecordPrefetch(segment) { $0 < 1_100 ? $0 : nil }.blocks
        #expect(all.count > 4 && all.reduce(0) { $0 + Int($1.rowCount) } == 1_100)
        for wanted in [[], [0], [1_099], [255, 256], [0, 1, 2, 700, 1_098], Array(300..<900)] {
            let prefetch = try RecordPrefetch(segment) { from in wanted.first { $0 >= from } }
            let blocks = prefetch.blocks
            #expect(prefetch.rows == wanted)
            let expected = all.filter { block in
                wanted.contains { (block.firstRow..<block.firstRow + block.rowCount).contains(UInt32($0)) }
            }
            #expect(blocks.map(\.firstRow) == expected.map(\.firstRow))
        }
        // No more than the limit, the first of them.
        let few = try RecordPrefetch(segment, atMost: 2) { $0 < 1_100 ? $0 : nil }.blocks
        #expect(few.map(\.firstRow) == all.prefix(2).map(\.firstRow))
    }

    @Test("A file reads the same after it, whatever was asked for")
    func file() throws {
        let fixture = SegmentFixture(rows: 1_100)
        let system = RealFileSystem()
        let path = FilePath(FileManager.default.temporaryDirectory.path).appending("prefetch-\(UUID().uuidString)")
        defer { try? system.remove(path) }
        try system.writeAtomically(fixture.segment(0..<1_100).copiedBytes, to: path)
        let reader = try SegmentReader(.file(system.map(path)), name: "file")
        for wanted in [[], [0], [5, 1_099], Array(0..<1_100)] {
            let prefetch = try RecordPrefetch(reader) { from in wanted.first { $0 >= from } }
            prefetch.run()
            prefetch.tell()
            prefetch.tell(fields: [])
            prefetch.tell(fields: [Field.actorName.rawValue])
        }
        let decoder = try BlockDecoder(reader)
        for row in [0, 600, 1_099] { #expect(try Array(decoder.record(ofRow: row).bytes) == fixture.records[row]) }
    }
}
