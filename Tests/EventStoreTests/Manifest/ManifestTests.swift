import EventModel
import Journal
import TestSupport
import Testing

@testable import EventStore

struct ManifestTests {
    private func sample() throws -> Manifest {
        var manifest = Manifest()
        manifest.durable = LeafIndex(77)
        let fixture = SegmentFixture(rows: 30)
        manifest.segments = [SegmentEntry(try fixture.segment(0..<20)), SegmentEntry(try fixture.segment(20..<30))]
        manifest.sealed = [fixture.partition: 1_029, JournalPartition(day: -1, retentionClass: 65_535): .max]
        return manifest
    }

    @Test("A manifest is read as it was written")
    func roundTrip() throws {
        #expect(try Manifest(sample().encoded()) == sample())
        #expect(try Manifest(Manifest().encoded()) == Manifest())
    }

    @Test("Any changed, missing or added byte is found")
    func changesAreFound() throws {
        let bytes = try sample().encoded()
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 1
            #expect(throws: EventStoreError.self) { try Manifest(changed) }
        }
        for length in 0..<bytes.count {
            #expect(throws: EventStoreError.self) { try Manifest(Array(bytes[..<length])) }
        }
        #expect(throws: EventStoreError.self) { try Manifest(bytes + [10]) }
    }

    @Test("A manifest of a newer version is refused by name")
    func newerVersion() {
        let body = Array("custody-segments 2\ndurable 0\n".utf8)
        let bytes = body + Array("checksum \(String(Checksum.of(body), radix: 16))\n".utf8)
        #expect(throws: EventStoreError(.unknownVersion, "manifest \"custody-segments 2\" is not known here")) {
            try Manifest(bytes)
        }
    }

    @Test("Segments are filed by day and class under their leaves")
    func paths() throws {
        let entry = try sample().segments[0]
        #expect(
            entry.path
                == "\(entry.receivedBounds.lowerBound.text.prefix(10))/0/00000000000000001000-00000000000000001019.segment"
        )
        #expect(SegmentEntry.dayNumber("2026-11-23") == 20_780)
        #expect(SegmentEntry.dayNumber("lost+found") == nil)
    }
}
