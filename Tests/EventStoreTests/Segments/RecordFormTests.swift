import EventModel
import Journal
import TestSupport
import Testing

@testable import EventStore

/// Records come back byte for byte whatever they are; of those that intake makes little is stored.
struct RecordFormTests {
    private static let partition = JournalPartition(day: 0, retentionClass: 3)

    @Test("A record that intake seals is stored without what columns hold or can be computed")
    func residue() throws {
        let payload = Array(#"{"a":1}"#.utf8)
        let record = Self.sealed(payload: payload) { record in
            record.set(.received, time: Timestamp(seconds: 5))
            record.set(.time, time: Timestamp(seconds: 4))
            record.set(.action, "push")
            record.set(.id, "0192")
            record.set(.payloadSHA256, "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862")
            record.addExtension("key", "value")
        }
        let flags = RecordForm.residue | RecordForm.hasTime | RecordForm.hasDigest
        let expected =
            [flags, Field.id.rawValue, 0, 4] + Array("0192".utf8) + [Field.ext.rawValue, 0, 9] + Array("key".utf8) + [0]
            + Array("value".utf8) + [RecordForm.end] + payload
        let segment = try Self.segment([record])
        #expect(try Self.stored(segment) == [expected])
        #expect(try Self.records(segment) == [record])
    }

    @Test("A UUID as id is not stored with its record; expanded, it stands among the entries")
    func ids() throws {
        let texts = (0..<300).map { "0192f4a5-58cc-7abc-8def-\(String($0 + 0x1000_0000_0000, radix: 16))" }
        var records = texts.enumerated().map { row, text in
            Self.sealed(payload: Array("{}".utf8)) { record in
                record.set(.payloadPart, row % 50 == 0 ? "/items/\(row)" : String(row))
                record.set(.received, time: Timestamp(seconds: 5))
                record.set(.schema, "custody/1")
                record.set(.id, text)
                record.addExtension("key", "value")
            }
        }
        // One without, one whose id is no such number, one with nothing else.
        records[7] = Self.sealed { $0.set(.received, time: Timestamp(seconds: 5)) }
        records[8] = Self.sealed { record in
            record.set(.received, time: Timestamp(seconds: 5))
            record.set(.id, texts[8].uppercased())
        }
        records[9] = Self.sealed { record in
            record.set(.received, time: Timestamp(seconds: 5))
            record.set(.id, texts[9])
        }
        let segment = try Self.segment(records)
        #expect(try Self.records(segment) == records)
        let entry = [Field.id.rawValue, 0, 36]
        let flags = RecordForm.residue
        #expect(try Self.stored(segment)[9] == [flags] + entry + Array(texts[9].utf8) + [RecordForm.end])
        let decoder = try BlockDecoder(segment)
        for row in 0..<300 {
            let text = try Array(decoder.stored(holding: row).text(ofRow: row).text)
            #expect((text[0] & RecordForm.hasID != 0) == (row != 7 && row != 8), "row \(row)")
            let hasPart = row % 50 != 0 && !(7...9).contains(row)
            #expect((text[0] & RecordForm.hasPart != 0) == hasPart, "row \(row)")
        }
        let parts = [try Self.segment(Array(records[..<9])), try Self.segment(Array(records[9...]), first: 9)]
        let merged = try PathIndexTests.merged(parts)
        #expect(try Self.records(merged) == records)
        #expect(try merged.indexDigest() == segment.indexDigest())
    }

    @Test("Own records of other kinds are rebuilt with their kind; a wrong digest stays as it is")
    func otherKinds() throws {
        let wrong = String(repeating: "0", count: 64)
        let records = [UInt8(0), 1, 7, 255].map { kind in
            Self.sealed(payload: Array("no JSON \u{FFFD}".utf8) + [0xFF, 0], kind: kind) { record in
                record.set(.received, time: Timestamp(seconds: 5))
                record.set(.payloadSHA256, wrong)
            }
        }
        let segment = try Self.segment(records)
        #expect(try Self.records(segment) == records)
        for stored in try Self.stored(segment) {
            #expect(stored[0] & RecordForm.residue != 0 && stored[0] & RecordForm.hasDigest == 0)
        }
    }

    @Test("Records that a residue would not give back are stored whole", arguments: Shape.allCases)
    fileprivate func whole(shape: Shape) throws {
        let record = shape.record
        let sound = Shape.sound
        // Beside others, so that columns have values for these fields.
        let segment = try Self.segment([sound, record, sound])
        #expect(try Self.stored(segment)[1] == [RecordForm.whole] + record)
        #expect(try Self.records(segment) == [sound, record, sound])
        let merged = try PathIndexTests.merged([segment, try Self.segment([record], first: 3)])
        #expect(try Self.records(merged) == [sound, record, sound, record])
    }

    @Test("What is certain of records is believed, saves work, and changes nothing that is stored")
    func knowledge() throws {
        func record(_ number: Int, digest: String? = nil) -> [UInt8] {
            let payload = Array(#"{"n":\#(number),"list":[{"a":"b"},{"a":"c"}]}"#.utf8)
            return Self.sealed(payload: payload) { record in
                record.set(.received, time: Timestamp(seconds: 5))
                record.set(.payloadSHA256, digest ?? Self.digest(of: payload))
            }
        }
        let records = (0..<300).map { record($0) }
        let computed = try Self.segment(records)
        #expect(try Self.segment(records, known: [.digest, .document]).copiedBytes == computed.copiedBytes)
        let wrong = try Self.segment([record(1, digest: String(repeating: "0", count: 64))], known: .digest)
        #expect(try Self.stored(wrong)[0][0] & RecordForm.hasDigest != 0)
    }

    @Test("Lists with gaps, up to the last element that a column holds, come back", arguments: [1, 2, 127, 128, 255])
    func lists(last: Int) throws {
        let wide = Self.sealed { record in
            record.set(.received, time: Timestamp(seconds: 5))
            for element in [0, last / 2, last] { record.set(.targetsID, element: element, "target \(element)") }
            record.set(.artifactName, element: last, "only the last")
        }
        let segment = try Self.segment([wide, Shape.sound, wide])
        #expect(try Self.records(segment) == [wide, Shape.sound, wide])
        #expect(try Self.stored(segment).allSatisfy { $0[0] != RecordForm.whole })
    }

    @Test("Merges copy residues that mean the same beside other columns", arguments: 1...6)
    func merging(seed: UInt64) throws {
        var samples = SealedSamples(seed: seed + 40, retentionClass: 3)
        let records = (0..<1_300).map { _ in samples.next() }
        let cuts = [0, 3, 40, 700, 1_300]
        let parts = try zip(cuts, cuts.dropFirst()).map {
            try Self.segment(Array(records[$0..<$1]), first: UInt64($0))
        }
        let merged = try PathIndexTests.merged(parts)
        #expect(try Self.records(merged) == records)
        #expect(try Self.stored(merged) == parts.flatMap { try Self.stored($0) })
        // Single records, from a file whose pages are checked one by one, and in any order.
        let file = try Self.segment(records)
        let decoder = try BlockDecoder(file)
        for row in [1_299, 0, 511, 512, 600, 1] {
            #expect(try Array(decoder.record(ofRow: row).bytes) == records[row])
        }
    }

    @Test("Of a column in which nearly all rows are alike the other rows alone have codes")
    func sparseColumns() throws {
        let gap = Self.sealed { $0.set(.received, time: Timestamp(seconds: 6)) }
        let other = Self.sealed { record in
            record.set(.received, time: Timestamp(seconds: 7))
            record.set(.action, "pull")
            record.set(.outcome, "failure")
        }
        var records = [[UInt8]](repeating: Shape.sound, count: 400)
        for (row, record) in [(0, gap), (77, other), (399, gap)] { records[row] = record }
        let segment = try Self.segment(records)
        let section = try #require(segment.section(.codes, .action))
        #expect(section.width == 0 && section.length == 28 && section.itemCount == 400)
        #expect(segment.section(.codes, .outcome)?.length == 12)
        let column = try #require(try segment.column(.action))
        let texts = (0..<400).map { column.code(ofRow: $0) }.map { $0 == 0 ? nil : column.value($0).text }
        #expect(texts == records.map { $0 == gap ? nil : $0 == other ? "pull" : "push" })
        let decoder = try BlockDecoder(segment)
        for row in [399, 0, 77, 78, 76, 1, 398, 77] {
            #expect(try Array(decoder.record(ofRow: row).bytes) == records[row])
        }
        // The same from parts of which some store their codes one by one.
        let cuts = [0, 3, 70, 80, 400]
        let parts = try zip(cuts, cuts.dropFirst()).map { try Self.segment(Array(records[$0..<$1]), first: UInt64($0)) }
        let merged = try PathIndexTests.merged(parts)
        #expect(merged.section(.codes, .action)?.width == 0)
        #expect(try merged.indexDigest() == segment.indexDigest())
        #expect(try merged.rebuiltIndexDigest() == segment.indexDigest())
    }

    @Test("Text that only a column or a digest holds is found in records that do not hold it")
    func scans() async throws {
        let samples = (1...40).map { number in
            let payload = #"{"n":\#(number)}"#
            return Sample(
                UInt64(number), "2026-11-01T00:00:00Z",
                [(.actorName, "someone-\(number)-else"), (.payloadSHA256, Self.digest(of: Array(payload.utf8)))],
                payload: payload)
        }
        let store = try SampleStore(samples, segmentRows: 16)
        #expect(try await store.indexes("*omeone-7-els*") == [7])
        let part = String(Self.digest(of: Array(#"{"n":9}"#.utf8)).dropFirst(9).prefix(14))
        #expect(try await store.indexes("*\(part)*") == [9])
    }

    static func digest(of payload: [UInt8]) -> String {
        let digest = PayloadDigest()
        return withExtendedLifetime(digest) { payload.withUnsafeBytes { digest.of($0).text } }
    }

    // MARK: Records

    fileprivate static func sealed(
        payload: [UInt8] = [], kind: UInt8 = 0, _ body: (inout EventRecord) -> Void
    ) -> [UInt8] {
        var record = EventRecord()
        body(&record)
        var bytes: [UInt8] = []
        payload.withUnsafeBytes {
            _ = SealedForm.append(&record, payload: $0, kind: kind, retentionClass: 3, to: &bytes)
        }
        return bytes
    }

    private static func segment(
        _ records: [[UInt8]], first: UInt64 = 0, known: RecordKnowledge = []
    ) throws -> SegmentReader {
        let writer = try SegmentWriter(partition: partition, compressionLevel: 1)
        for (row, record) in records.enumerated() {
            try record.withUnsafeBytes {
                try writer.append(SealedView($0), index: LeafIndex(first + UInt64(row)), key: .none, known: known)
            }
        }
        let memory = try #require(try writer.finish())
        return try withExtendedLifetime(memory) { try SegmentReader.reading(Array(memory.bytes)) }
    }

    private static func records(_ segment: SegmentReader) throws -> [[UInt8]] {
        var records: [[UInt8]] = []
        try segment.withRecords(0..<segment.rowCount) { _, view in
            records.append(Array(view.bytes))
            return true
        }
        return records
    }

    private static func stored(_ segment: SegmentReader) throws -> [[UInt8]] {
        let decoder = try BlockDecoder(segment)
        return try (0..<segment.rowCount).map { try Array(decoder.text(ofRow: $0)) }
    }
}

/// Sealed forms that intake does not make, or no longer has whole.
private enum Shape: CaseIterable, Sendable {
    case destroyedGroup, destroyedPayload, unknownField, longNumber, wideElement, descending, twice, wrongGroup,
        otherClass
    case noReceived, shortTime, cutOff

    static var sound: [UInt8] {
        RecordFormTests.sealed(payload: Array("{}".utf8)) { record in
            record.set(.received, time: Timestamp(seconds: 5))
            record.set(.action, "push")
            record.set(.actorName, "ann")
        }
    }

    var record: [UInt8] {
        switch self {
        case .destroyedGroup: destroying(.actor)
        case .destroyedPayload: destroying(.raw)
        case .unknownField: Self.form([received, [250, 0, 1, 65]])
        case .longNumber: Self.form([received, [Field.action.rawValue, 0x80, 0, 1, 65]])
        case .wideElement: Self.form([received, [Field.action.rawValue, 0x80, 2, 1, 65]])
        case .descending:
            Self.form([received, [Field.action.rawValue, 0, 1, 65], [Field.timeBasis.rawValue, 0, 1, 65]])
        case .twice: Self.form([received, [Field.action.rawValue, 0, 1, 65], [Field.action.rawValue, 0, 1, 66]])
        case .wrongGroup: Self.form([received, [Field.actorName.rawValue, 0, 1, 65]])
        case .otherClass: Self.form([received], retentionClass: 4)
        case .noReceived: Self.form([[Field.action.rawValue, 0, 1, 65]])
        case .shortTime: Self.form([[Field.time.rawValue, 0, 1, 65], received])
        case .cutOff: Self.form([received, [Field.action.rawValue, 0, 9, 65]])
        }
    }

    private var received: [UInt8] { [Field.received.rawValue, 0, 8] + [0, 0, 0, 1, 0, 0, 0, 9] }

    private func destroying(_ group: FieldGroup) -> [UInt8] {
        Self.sound.withUnsafeBytes { (try? SealedView($0)).map { SealedForm.destroying([group], of: $0) } ?? [] }
    }

    /// A form whose envelope is these entries, however wrong.
    private static func form(_ entries: [[UInt8]], retentionClass: UInt8 = 3) -> [UInt8] {
        let envelope = entries.flatMap { $0 }
        return [SealedForm.version, 0, 0, retentionClass] + [0, 0, 0, UInt8(envelope.count)]
            + [UInt8](repeating: 0, count: 20) + envelope
    }
}
