import EventModel
import SystemPackage
import TestSupport
import Testing

@testable import DurableFiles
@testable import EventStore

struct SegmentDamageTests {
    @Test("A flipped bit in any section, the directory, the header or the padding is found")
    func flippedBitsAreFound() throws {
        let fixture = SegmentFixture(rows: 400)
        let sound = try fixture.segment(0..<400, stride: 2)
        let bytes = sound.copiedBytes
        #expect(try faults(in: bytes).isEmpty)
        var samples = SealedSamples(seed: 11)
        var positions = [0, 9, 20, 70, 127, Int(sound.header.directoryOffset), bytes.count - 1]
        for section in sound.sections where section.length > 0 {
            positions += [section.range.lowerBound, section.range.upperBound - 1]
            positions += (0..<3).map { _ in section.range.lowerBound + samples.number(below: section.range.count) }
            // The byte behind a section is padding, or belongs to the next.
            positions.append(section.range.upperBound)
        }
        for position in positions where position < bytes.count {
            var changed = bytes
            changed[position] ^= UInt8(1 << samples.number(below: 8))
            #expect(try !faults(in: changed).isEmpty, "byte \(position)")
        }
    }

    @Test("A read of damaged bytes names file, section and offset")
    func readsNameTheDamage() throws {
        let fixture = SegmentFixture(rows: 700)
        let sound = try fixture.segment(0..<700)
        let codes = try #require(sound.section(.codes, .actorName))
        let damage = EventStoreError(.damaged, "2026/1: codes of actor.name, byte \(codes.offset): checksum mismatch")
        var bytes = sound.copiedBytes
        bytes[codes.range.lowerBound + 5] ^= 4
        let damaged = try file(bytes)
        #expect(throws: damage) { try damaged.column(.actorName) }
        #expect(try damaged.column(.actorID) != nil)
        // Records are made with what the column holds.
        #expect(throws: damage) { try damaged.withRecords([0]) { _, _ in true } }

        let records = try #require(sound.section(.records))
        bytes = sound.copiedBytes
        bytes[records.range.lowerBound + 9] ^= 4
        let other = try file(bytes)
        #expect(
            throws: EventStoreError(
                .damaged, "2026/1: records, byte \(records.offset): rows from 0: checksum mismatch")
        ) { try other.withRecords([0]) { _, _ in true } }
        // Other blocks stay readable.
        try other.withRecords([600]) { row, record in
            #expect(Array(record.bytes) == fixture.records[row])
            return true
        }
    }

    @Test("A file cut off anywhere is an error")
    func truncationIsFound() throws {
        let bytes = try SegmentFixture(rows: 50).segment(0..<50).copiedBytes
        for length in [0, 1, 127, 128, 500, bytes.count / 2, bytes.count - 1] {
            #expect(throws: EventStoreError.self) { try SegmentReader.reading(Array(bytes.prefix(length))) }
        }
    }

    @Test("Wrong numbers under right checksums are an error, not a crash")
    func forgedShapesAreFound() throws {
        let sound = try SegmentFixture(rows: 300).segment(0..<300, stride: 2)
        for section in sound.sections where section.kind != .values && section.kind != .records {
            var bytes = sound.copiedBytes
            // In the bytes of words 0xFF has a meaning: several columns.
            for position in section.range { bytes[position] = section.kind == .wordFields ? 0xFE : 0xFF }
            resum(&bytes, sound)
            let forged = try file(bytes)
            switch section.kind {
            case .times, .received, .deliveryKeys, .digestStarts, .tokenLengths: continue
            default: #expect(try !faults(in: bytes).isEmpty, "\(section.name)")
            }
            #expect(forged.rowCount == 300)
        }
    }

    /// Makes all checksums right again.
    private func resum(_ bytes: inout [UInt8], _ sound: SegmentReader) {
        let table = Int(sound.header.directoryOffset) + sound.sections.count * SegmentSection.bytes
        func put(_ value: UInt64, at offset: Int) {
            withUnsafeBytes(of: value.littleEndian) {
                for (step, byte) in $0.enumerated() { bytes[offset + step] = byte }
            }
        }
        for section in sound.sections {
            for page in 0..<section.pageCount {
                let start = section.range.lowerBound + page * SegmentSection.pageBytes
                let end = min(start + SegmentSection.pageBytes, section.range.upperBound)
                put(Checksum.of(Array(bytes[start..<end])), at: table + (Int(section.firstPage) + page) * 8)
            }
        }
        put(Checksum.of(Array(bytes[Int(sound.header.directoryOffset)...])), at: 112)
        put(Checksum.of(Array(bytes[..<120])), at: 120)
    }

    private func file(_ bytes: [UInt8]) throws -> SegmentReader {
        try SegmentReader(.file(MappedFile(copying: bytes, path: "2026/1")), name: "2026/1")
    }

    private func faults(in bytes: [UInt8]) throws -> [SegmentFault] {
        var faults: [SegmentFault] = []
        do {
            try file(bytes).verify { faults.append($0) }
        } catch let error as EventStoreError {
            faults.append(SegmentFault(file: "", section: "", offset: 0, reason: error.reason))
        }
        return faults
    }
}
