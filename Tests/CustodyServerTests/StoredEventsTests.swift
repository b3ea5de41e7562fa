import DurableFiles
import EventModel
import EventStore
import Foundation
import HTTPTypes
import HummingbirdTesting
import Intake
import Journal
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("Events in leaf order")
struct StoredEventsTests {
    private static let day: Int64 = 86_400

    private func record(_ index: Int, day: Int64) -> [UInt8] {
        var record = EventRecord()
        record.set(.received, time: Timestamp(seconds: day * Self.day + Int64(index)))
        record.set(.action, "code.push")
        record.set(.sourceDelivery, "\(index)")
        var bytes: [UInt8] = []
        SealedForm.append(&record, payload: UnsafeRawBufferPointer(start: nil, count: 0), to: &bytes)
        return bytes
    }

    /// Deliveries received before midnight that are committed after others received behind it.
    @Test("Segments of two days whose leaves interleave are visited in the order of the leaves, and can be rebuilt")
    func interleaved() throws {
        let disk = FaultingFileSystem(seed: 1)
        try disk.createDirectory("/data/journal")
        try disk.createDirectory("/data/segments")
        let store = try SegmentStore(directory: "/data/segments", fileSystem: disk)
        var next = 0
        for (day, count) in [(100, 300), (101, 200), (100, 50), (101, 500)] as [(Int64, Int)] {
            let records = (next..<next + count).map { record($0, day: day) }
            var offset = 0
            let entries = records.map { record in
                defer { offset += record.count }
                return RecordBatch.Entry(range: offset..<offset + record.count, key: .none)
            }
            let partition = JournalPartition(day: Int32(day), retentionClass: 0)
            var seeds = SeedTable()
            for bundle in JournalBundle.numbers(of: UInt64(next)..<UInt64(next + count)) {
                var random = SeededGenerator(seed: bundle * 1_000 + UInt64(day))
                seeds[bundle: bundle, partition] = SaltSeed(root: Bytes32(using: &random))
            }
            try store.append(
                RecordBatch(
                    partition: partition, start: LeafIndex(UInt64(next)), bytes: records.flatMap(\.self),
                    entries: entries, seeds: seeds), now: Timestamp(seconds: 0))
            next += count
        }
        try store.close()
        let journal = try JournalWriter(
            directory: "/data/journal", fileSystem: disk, random: SystemRandomNumberGenerator())
        let inspection = try SegmentInspection(directory: "/data/segments", fileSystem: disk)
        let events = try StoredEvents(
            segments: inspection.segments, journal: journal.reader,
            keyer: DeliveryKeyer(secret: Array(repeating: 1, count: 32)))
        var seen: [Int] = []
        try events.forEachBatch { batch in
            #expect(batch.start.rawValue == UInt64(seen.count))
            try batch.bytes.withUnsafeBytes { bytes in
                for entry in batch.entries {
                    seen.append(Int(try SealedView(bytes.slice(entry.range)).text(.sourceDelivery) ?? "") ?? -1)
                }
            }
            for bundle in JournalBundle.numbers(of: batch.start.rawValue..<batch.end.rawValue) {
                #expect(batch.seeds[bundle: bundle, batch.partition] != nil)
            }
        }
        #expect(seen == Array(0..<next))
    }

    @Test("A start finishes a rebuild that went down between its two renames")
    func recovers() async throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        try await TestServer.run(in: place) { _, client in
            _ = try await client.send(.post, "/v1/events", #"{"id":"1","actor":"mona","action":"a.b"}"#)
        }
        let segments = place.appendingPathComponent("segments").path
        try FileManager.default.copyItem(atPath: segments, toPath: segments + ".new")
        try FileManager.default.moveItem(atPath: segments, toPath: segments + ".old")
        try await TestServer.run(in: place) { _, client in
            let found = try await client.search("actor:mona", expecting: 1)
            #expect(found.count == 1)
        }
        #expect(!FileManager.default.fileExists(atPath: segments + ".old"))
        #expect(!FileManager.default.fileExists(atPath: segments + ".new"))
    }
}
