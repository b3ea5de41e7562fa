import EventModel
import Journal
import Synchronization
import TestSupport
import Testing

@testable import EventStore

/// Dictionaries with many values: in blocks, each value told by what differs from the one before.
struct PackedDictionaryTests {
    private static let kinds = ["digests", "names", "numbers", "bytes"]

    @Test("Values come back one by one, in ranges and by search", arguments: kinds, [256, 257, 272, 3_000])
    func roundTrip(kind: String, count: Int) throws {
        let values = Self.values(kind, count)
        try Self.withDictionary(values) { dictionary in
            #expect(dictionary.count == count)
            var all: [[UInt8]] = []
            dictionary.forEach(in: 1..<count + 1) { code, value in
                #expect(code == all.count + 1)
                all.append(Array(value))
                return true
            }
            #expect(all == values)
            let blocks = UnpackedBlocks(dictionary, owner: Owner()) { _ in }
            for code in stride(from: count, through: 1, by: -7) {
                #expect(Array(blocks.value(code)) == values[code - 1])
            }
            var buffer = PackedValueBuffer()
            defer { buffer.free() }
            for code in stride(from: 1, through: count, by: 3) {
                let (block, place) = ((code - 1) / 16, (code - 1) % 16)
                let isRead = buffer.read(place, of: dictionary.block(block))
                #expect(isRead && Array(buffer.value) == values[code - 1])
            }
            let isBeyond = !buffer.read(16, of: dictionary.block(0))
            #expect(isBeyond)
            for range in [1..<1, 1..<2, 16..<18, 17..<33, 200..<250, count..<count + 1] {
                var part: [[UInt8]] = []
                dictionary.forEach(in: range) { _, value in
                    part.append(Array(value))
                    return true
                }
                #expect(part == Array(values[range.lowerBound - 1..<range.upperBound - 1]))
            }
        }
    }

    @Test("Digests take half their digits, names what differs")
    func sizes() throws {
        #expect(try Self.stored(Self.values("digests", 3_000)).text.count < 3_000 * 37)
        let names = Self.values("names", 3_000)
        #expect(try Self.stored(names).text.count < names.reduce(0) { $0 + $1.count } / 2)
        // Few are stored as they are.
        let few = Self.values("names", 255)
        #expect(try Self.stored(few).text == few.flatMap { $0 })
        #expect(try Self.stored(few).starts.count == 256)
    }

    @Test("Packed and plain dictionaries merge to one that has each value once")
    func merging() throws {
        let all = Self.values("names", 2_000)
        let inputs = [(0..<700), (300..<310), (500..<1_900), (1_999..<2_000)].map { Array(all[$0]) }
        let wanted = Array(all[..<1_900] + all[1_999...])
        let stored = try inputs.map(Self.stored)
        Self.withDictionaries(stored, inputs.map(\.count)) { dictionaries in
            var merger = DictionaryMerger(dictionaries, firstCode: 1)
            defer { merger.free() }
            var merged: [[UInt8]] = []
            while let value = merger.next() { merged.append(Array(value)) }
            #expect(merged == wanted && !merger.isMalformed)
            for (number, input) in inputs.enumerated() {
                #expect(merger.table(number).dropFirst().map { wanted[Int($0) - 1] } == input)
            }
        }
        // One with a block that ends early says so.
        var damaged = stored
        damaged[2].text[0] = 0xFE
        Self.withDictionaries(damaged, inputs.map(\.count)) { dictionaries in
            var merger = DictionaryMerger(dictionaries, firstCode: 1)
            defer { merger.free() }
            while merger.next() != nil {}
            #expect(merger.isMalformed)
        }
    }

    @Test("Bytes that are no values end a block early, and are not read beyond", arguments: kinds)
    func malformed(kind: String) throws {
        var samples = SealedSamples(seed: 8)
        let sound = try Self.stored(Self.values(kind, 600))
        for _ in 0..<200 {
            var changed = sound
            for _ in 0...samples.number(below: 4) {
                changed.text[samples.number(below: changed.text.count)] = UInt8(samples.number(below: 256))
            }
            Self.withDictionary(changed, 600) { dictionary in
                dictionary.forEach(in: 1..<601) { _, _ in true }
                let blocks = UnpackedBlocks(dictionary, owner: Owner()) { _ in }
                for code in 1...600 { _ = blocks.value(code).count }
                var buffer = PackedValueBuffer()
                defer { buffer.free() }
                for code in 0..<600 { _ = buffer.read(code % 16, of: dictionary.block(code / 16)) }
            }
        }
    }

    @Test("A column with many values is read alike whole, value by value and row by row, and after a merge")
    func column() throws {
        let values = Self.values("digests", 700).map { String(decoding: $0, as: UTF8.self) }
        let rows = (0..<2_000).map { values[$0 * 769 % 700] }
        let parts = try [0..<900, 900..<2_000].map { try Self.segment(rows[$0], first: $0.lowerBound) }
        let merged = try PathIndexTests.merged(parts)
        #expect(try merged.indexDigest() == Self.segment(rows[...], first: 0).indexDigest())
        for segment in parts + [merged] {
            let column = try #require(try segment.column(.artifactDigest))
            let rows = Array(rows[Int(segment.header.firstIndex)...].prefix(segment.rowCount))
            #expect((0..<rows.count).map { column.value(column.code(ofRow: $0)).text } == rows)
            let codes = values.map { value in Array(value.utf8).withUnsafeBytes { column.code(of: $0) } }
            for (value, code) in zip(values, codes) {
                #expect(code.map { column.value($0).text } == (rows.contains(value) ? value : nil))
                let bound = (Array(value.utf8) + [0]).withUnsafeBytes { column.lowerBound($0) }
                #expect(bound == UInt32(Set(rows).filter { $0 <= value }.count) + 1)
            }
            let columns = try RecordColumns(segment)
            for row in stride(from: 0, to: rows.count, by: 31) {
                let value = try columns.value(of: Field.artifactDigest.rawValue, element: 0, row: row)
                #expect(value?.text == rows[row])
            }
        }
    }

    @Test("A block is unpacked once, whoever asks for its values, and counts as memory then")
    func unpacking() async throws {
        let values = Self.values("digests", 700)
        try Self.withDictionary(values) { dictionary in
            let unpacked = Mutex<[Int]>([])
            let blocks = UnpackedBlocks(dictionary, owner: Owner()) { bytes in unpacked.withLock { $0.append(bytes) } }
            for code in [1, 2, 16, 3] { #expect(Array(blocks.value(code)) == values[code - 1]) }
            let first = values[..<16].reduce(0) { $0 + $1.count }
            #expect(unpacked.withLock { $0 } == [first + 64])
            #expect(Array(blocks.value(17)) == values[16] && unpacked.withLock { $0.count } == 2)
        }
        let segment = try Self.segment(values.map { String(decoding: $0, as: UTF8.self) }[...], first: 0)
        let column = try #require(try segment.column(.artifactDigest))
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask { (1...700).allSatisfy { Array(column.value(UInt32($0))) == values[$0 - 1] } }
            }
            for await isRight in group { #expect(isRight) }
        }
    }

    // MARK: Dictionaries

    private final class Owner: Sendable {}

    private static func values(_ kind: String, _ count: Int) -> [[UInt8]] {
        var random = SealedSamples(seed: UInt64(count))
        var values: Set<[UInt8]> = []
        func hex(_ digits: Int) -> String {
            String((0..<digits).map { _ in Array("0123456789abcdef")[random.number(below: 16)] })
        }
        while values.count < count {
            let text: String
            switch kind {
            case "digests": text = (random.number(below: 9) == 0 ? "sha1:" + hex(40) : "sha256:" + hex(64))
            case "names":
                text =
                    "team-\(random.number(below: 9))/pods/service-\(random.number(below: 40))-\(hex(5 + random.number(below: 6)))"
            case "numbers": text = String(random.number(below: 1_000_000_000))
            default:
                let rest = (0..<random.number(below: 12)).map { _ in
                    UInt8([0, 0x30, 0x66, 0x80, 0xFF][random.number(below: 5)])
                }
                values.insert(random.number(below: 50) == 0 ? rest + Array(hex(900).utf8) : rest)
                continue
            }
            values.insert(Array(text.utf8))
        }
        return values.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private struct Stored {
        var text: [UInt8]
        let starts: [UInt32]
    }

    private static func stored(_ values: [[UInt8]]) throws -> Stored {
        let memory = SegmentMemory(capacity: 4_096)
        let composer = try SegmentComposer(memory)
        var writer = DictionaryWriter(.actorName, composer)
        defer { writer.free() }
        try composer.section(.values, field: .actorName) {
            for value in values { try value.withUnsafeBytes { try writer.append($0) } }
            return try writer.finish()
        }
        let textEnd = memory.count
        let textStart = SegmentHeader.bytes
        try composer.section(.valueOffsets, field: .actorName) { try writer.writeOffsets() }
        let aligned = (textEnd + SegmentSection.alignment - 1) / SegmentSection.alignment * SegmentSection.alignment
        return withExtendedLifetime(memory) {
            Stored(
                text: Array(memory.bytes[textStart..<textEnd]),
                starts: Array(memory.bytes.slice(aligned..<memory.count).bindMemory(to: UInt32.self)))
        }
    }

    private static func withDictionary(_ values: [[UInt8]], _ body: (PackedDictionary) throws -> Void) throws {
        try withDictionary(try stored(values), values.count, body)
    }

    private static func withDictionary(
        _ stored: Stored, _ count: Int, _ body: (PackedDictionary) throws -> Void
    ) rethrows {
        try stored.text.withUnsafeBytes { bytes in
            try stored.starts.withUnsafeBufferPointer { starts in
                try body(PackedDictionary(count: count, bytes: bytes, starts: starts.baseAddress!))
            }
        }
    }

    private static func withDictionaries(
        _ stored: [Stored], _ counts: [Int], _ found: [DictionaryMerger.Dictionary] = [],
        _ body: ([DictionaryMerger.Dictionary]) -> Void
    ) {
        guard found.count < stored.count else { return body(found) }
        let count = counts[found.count]
        stored[found.count].text.withUnsafeBytes { bytes in
            stored[found.count].starts.withUnsafeBufferPointer { starts in
                let next: DictionaryMerger.Dictionary =
                    PackedDictionary.isPacked(valueCount: count)
                    ? .packed(PackedDictionary(count: count, bytes: bytes, starts: starts.baseAddress!))
                    : .plain(PlainDictionary(values: bytes.baseAddress!, offsets: starts.baseAddress!, count: count))
                withDictionaries(stored, counts, found + [next], body)
            }
        }
    }

    private static func segment(_ digests: ArraySlice<String>, first: Int) throws -> SegmentReader {
        let partition = JournalPartition(day: 0, retentionClass: 3)
        let writer = try SegmentWriter(partition: partition, compressionLevel: 1)
        for (row, digest) in digests.enumerated() {
            var record = EventRecord()
            record.set(.received, time: Timestamp(seconds: 5))
            record.set(.artifactDigest, digest)
            var bytes: [UInt8] = []
            Array("{}".utf8).withUnsafeBytes {
                _ = SealedForm.append(&record, payload: $0, kind: 0, retentionClass: 3, to: &bytes)
            }
            try bytes.withUnsafeBytes {
                try writer.append(SealedView($0), index: LeafIndex(UInt64(first + row)), key: .none)
            }
        }
        let memory = try #require(try writer.finish())
        return try withExtendedLifetime(memory) { try SegmentReader.reading(Array(memory.bytes)) }
    }
}
