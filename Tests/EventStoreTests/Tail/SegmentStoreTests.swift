import DurableFiles
import EventModel
import Journal
import SystemPackage
import TestSupport
import Testing

@testable import EventStore

struct SegmentStoreTests {
    @Test("What was appended is searchable after a flush, and not before")
    func flushMakesSearchable() throws {
        let fixture = StoreFixture(rows: 10)
        let store = try fixture.open()
        try store.append(fixture.records.batch(0..<10), now: fixture.now)
        #expect(store.view.snapshot().isEmpty)
        try store.flush()
        #expect(try fixture.contents(store.view.snapshot()) == fixture.expected(10))
        #expect(store.nextIndex == LeafIndex(10))
        #expect(store.durableIndex == LeafIndex(0))
    }

    @Test("Rows flush by number, by size and by age")
    func flushesByItself() throws {
        var fixture = StoreFixture(rows: 40)
        var store = try fixture.open()
        try store.append(fixture.records.batch(0..<16), now: fixture.now)
        #expect(store.view.counters.rows == 16)
        try store.append(fixture.records.batch(16..<20), now: fixture.now)
        try store.tick(now: fixture.now.advanced(byNanoseconds: 249_000_000))
        #expect(store.view.counters.rows == 16)
        try store.tick(now: fixture.now.advanced(byNanoseconds: 250_000_000))
        #expect(store.view.counters.rows == 20)
        fixture = StoreFixture(rows: 5, seed: 9)
        fixture.settings.flushBytes = 100
        store = try fixture.open()
        try store.append(fixture.records.batch(0..<5), now: fixture.now)
        #expect(store.view.counters.rows == 5)
    }

    @Test("A segment holds the seeds of its own bundles, whatever more the batches bring, through merges and replays")
    func seedsAreItsOwn() throws {
        let fixture = StoreFixture(rows: 900)
        let store = try fixture.open()
        let all = fixture.records.batch(0..<900).seeds
        for start in stride(from: 0, to: 900, by: 100) {
            let own = fixture.records.batch(start..<start + 100)
            // As a commit of several deliveries hands them over: each with the seeds of all of them.
            let batch = RecordBatch(
                partition: own.partition, start: own.start, bytes: own.bytes, entries: own.entries, seeds: all)
            try store.append(batch, now: fixture.now)
            try store.append(batch, now: fixture.now)
            try store.flush()
        }
        try store.close()
        for segment in store.view.segments() {
            let bundles = try segment.seeds().map(\.bundle)
            let indexes = segment.indexes.lowerBound.rawValue..<segment.indexes.upperBound.rawValue + 1
            #expect(bundles == Array(JournalBundle.numbers(of: indexes)))
        }
    }

    @Test("A clock that was set back does not keep rows from being searched")
    func clockSetBack() throws {
        let fixture = StoreFixture(rows: 4)
        let store = try fixture.open()
        try store.append(fixture.records.batch(0..<4), now: fixture.now)
        try store.tick(now: fixture.now.advanced(byNanoseconds: -3_600_000_000_000))
        #expect(store.view.counters.rows == 4)
    }

    @Test("Everything is there once after flushes, merges in memory, seals and merges of files")
    func everythingIsThereOnce() throws {
        let fixture = StoreFixture(rows: 900)
        let store = try fixture.open()
        for end in stride(from: 50, through: 900, by: 50) {
            try fixture.append(upTo: end, to: store, batchRows: 7)
            try store.flush()
            #expect(try fixture.contents(store.view.snapshot()) == fixture.expected(end))
        }
        try store.close()
        #expect(try fixture.contents(store.view.snapshot()) == fixture.expected(900))
        let counters = store.view.counters
        #expect(counters.memoryMergedRows > 0)
        #expect(counters.seals > 4)
        #expect(counters.fileMerges > 0)
        #expect(counters.memoryRows == 0)
        #expect(counters.rows == 900)
        #expect(store.durableIndex == LeafIndex(900))
        #expect(try fixture.segmentFiles.count == counters.segments)
        #expect(store.failure == nil)
    }

    @Test("A store that is opened again has what was sealed, and asks for the rest")
    func reopening() throws {
        let fixture = StoreFixture(rows: 300)
        var store = try fixture.open()
        try fixture.append(upTo: 200, to: store)
        let durable = Int(store.durableIndex.rawValue)
        #expect(durable > 0 && durable < 200)
        fixture.disk.restartMachine()
        store = try fixture.open()
        #expect(store.nextIndex == LeafIndex(UInt64(durable)))
        #expect(try fixture.contents(store.view.snapshot()) == fixture.expected(durable))
        try fixture.append(upTo: 300, to: store)
        try store.close()
        fixture.disk.restartMachine()
        store = try fixture.open()
        #expect(store.faults.isEmpty)
        #expect(store.nextIndex == LeafIndex(300))
        #expect(try fixture.contents(store.view.snapshot()) == fixture.expected(300))
        var faults: [SegmentFault] = []
        store.view.verify { faults.append($0) }
        #expect(faults.isEmpty)
    }

    @Test("A snapshot stays as it was while rows are appended, sealed, merged and files removed")
    func snapshotsAreIsolated() throws {
        let fixture = StoreFixture(rows: 700)
        let store = try fixture.open()
        var snapshots: [(count: Int, rows: [any EventRows])] = []
        for end in stride(from: 100, through: 700, by: 100) {
            try fixture.append(upTo: end, to: store)
            try store.flush()
            snapshots.append((end, store.view.snapshot()))
        }
        try store.close()
        for snapshot in snapshots {
            #expect(try fixture.contents(snapshot.rows) == fixture.expected(snapshot.count))
        }
    }

    @Test("Days of receipt and retention classes never share a segment")
    func partitionsAreSeparate() throws {
        var fixture = StoreFixture(rows: 0)
        fixture.settings.sealRows = 8
        let store = try fixture.open()
        var index: UInt64 = 0
        var samples = [
            SealedSamples(seed: 1, start: fixture.now), SealedSamples(seed: 2, start: fixture.now, retentionClass: 7),
            SealedSamples(seed: 3, start: fixture.now.advanced(byNanoseconds: 86_400_000_000_000)),
        ]
        for round in 0..<60 {
            let record = samples[round % 3].next()
            let partition = JournalPartition(
                day: samples[round % 3].start.day, retentionClass: samples[round % 3].retentionClass)
            try store.append(
                RecordBatch(
                    partition: partition, start: LeafIndex(index), bytes: record,
                    entries: [.init(range: 0..<record.count, key: .none)], seeds: SeedTable()), now: fixture.now)
            index += 1
        }
        try store.close()
        let segments = store.view.segments()
        #expect(Set(segments.map(\.partition)).count == 3)
        for segment in segments {
            try segment.withRecords(0..<segment.rowCount) { row, record in
                #expect(record.received.day == segment.partition.day)
                #expect(record.retentionClass == segment.partition.retentionClass)
                return true
            }
        }
        #expect(segments.reduce(0) { $0 + $1.rowCount } == 60)
        #expect(store.durableIndex == LeafIndex(60))
    }

    @Test("A slow partition holds the durable index back until it is sealed for its span")
    func slowPartitionIsSealed() throws {
        var fixture = StoreFixture(rows: 400)
        fixture.settings.sealSpan = 150
        let store = try fixture.open()
        // The first leaf is of another class, which gets no further events.
        var slow = SealedSamples(seed: 1, start: fixture.now, retentionClass: 7)
        let record = slow.next()
        try store.append(
            RecordBatch(
                partition: JournalPartition(day: slow.start.day, retentionClass: 7), start: LeafIndex(0), bytes: record,
                entries: [.init(range: 0..<record.count, key: .none)], seeds: SeedTable()), now: fixture.now)
        try fixture.append(upTo: 140, to: store)
        #expect(store.durableIndex == LeafIndex(0))
        #expect(store.view.counters.sealedRows > 0)
        try fixture.append(upTo: 400, to: store)
        #expect(store.durableIndex > LeafIndex(100))
    }

    @Test("Leaves that come again from the journal are skipped, also where only their partition is sealed")
    func replayIsSkipped() throws {
        let fixture = StoreFixture(rows: 200)
        var slow = SealedSamples(seed: 1, start: fixture.now, retentionClass: 7)
        let record = slow.next()
        let first = RecordBatch(
            partition: JournalPartition(day: slow.start.day, retentionClass: 7), start: LeafIndex(0), bytes: record,
            entries: [.init(range: 0..<record.count, key: .none)], seeds: SeedTable())
        var store = try fixture.open()
        try store.append(first, now: fixture.now)
        try fixture.append(upTo: 200, to: store)
        #expect(store.durableIndex == LeafIndex(0))
        let sealed = store.view.counters.sealedRows
        #expect(sealed > 60)
        fixture.disk.restartProcess()
        store = try fixture.open()
        #expect(store.nextIndex == LeafIndex(0))
        try store.append(first, now: fixture.now)
        try fixture.append(upTo: 200, to: store)
        try store.flush()
        var expected = fixture.expected(200)
        expected[0] = record
        #expect(try fixture.contents(store.view.snapshot()) == expected)
        #expect(store.view.counters.appendedRows == 200 - sealed)
    }

    @Test("A gap before a batch, a record that is none and one of another class are refused")
    func refusesWrongBatches() throws {
        let fixture = StoreFixture(rows: 20)
        let store = try fixture.open()
        #expect(throws: EventStoreError.self) { try store.append(fixture.records.batch(5..<8), now: fixture.now) }
        let text = Array("no sealed form".utf8)
        let entries = [RecordBatch.Entry(range: 0..<text.count, key: .none)]
        #expect(throws: EventStoreError(.refused, "leaf 0: not a sealed form of version 1")) {
            try store.append(
                RecordBatch(
                    partition: fixture.records.partition, start: LeafIndex(0), bytes: text, entries: entries,
                    seeds: SeedTable()), now: fixture.now)
        }
        var other = fixture.records
        other.partition.retentionClass = 3
        #expect(throws: EventStoreError.self) { try store.append(other.batch(0..<3), now: fixture.now) }
        try fixture.append(upTo: 20, to: store)
        #expect(store.nextIndex == LeafIndex(20))
    }

    @Test("A record is found by its leaf with its key and its bundle's seed")
    func recordsAreFoundByLeaf() throws {
        let fixture = StoreFixture(rows: 400)
        let store = try fixture.open()
        try fixture.append(upTo: 400, to: store)
        try store.flush()
        for row in [0, 63, 255, 256, 399] {
            let record = try #require(try store.view.record(at: LeafIndex(UInt64(row))))
            #expect(record.bytes == fixture.records.records[row])
            #expect(record.key == fixture.records.keys[row])
            #expect(record.seed == SegmentFixture.seed(ofBundle: UInt64(row) / 256))
            #expect(try store.view.seed(for: record.index) == record.seed)
        }
        #expect(try store.view.record(at: LeafIndex(400)) == nil)
        #expect(try store.view.seed(for: LeafIndex(400)) == nil)
    }

    @Test("Delivery keys of all rows since a moment are read in bulk")
    func deliveryKeys() throws {
        let fixture = StoreFixture(rows: 300)
        let store = try fixture.open()
        try fixture.append(upTo: 300, to: store)
        try store.close()
        var keys: [UInt64: RecordKey] = [:]
        try store.view.withDeliveryKeys(of: store.view.segments()) { rows, found in
            for (row, key) in found.enumerated() { keys[try rows.leafIndex(ofRow: row).rawValue] = key }
        }
        #expect(keys.count == 300)
        #expect(keys.allSatisfy { $0.value == fixture.records.keys[Int($0.key)] })
    }

    @Test("A past day is sealed a while after its end")
    func pastDayIsSealed() throws {
        let fixture = StoreFixture(rows: 20)
        let store = try fixture.open()
        try fixture.append(upTo: 20, to: store)
        let endOfDay = Timestamp(seconds: (Int64(fixture.records.partition.day) + 1) * 86_400)
        try store.tick(now: endOfDay.advanced(byNanoseconds: 299_000_000_000))
        #expect(store.durableIndex == LeafIndex(0))
        try store.tick(now: endOfDay.advanced(byNanoseconds: 300_000_000_000))
        #expect(store.durableIndex == LeafIndex(20))
    }

    @Test("Work in the background ends in the same state")
    func backgroundWork() throws {
        var fixture = StoreFixture(rows: 800)
        fixture.settings.worksInBackground = true
        let store = try fixture.open()
        try fixture.append(upTo: 800, to: store)
        try store.close()
        #expect(try fixture.contents(store.view.snapshot()) == fixture.expected(800))
        #expect(store.durableIndex == LeafIndex(800))
    }

    @Test("Other threads read whole snapshots while the owner appends, seals and merges")
    func concurrentReaders() async throws {
        var fixture = StoreFixture(rows: 600)
        fixture.settings.worksInBackground = true
        let store = try fixture.open()
        let view = store.view
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<3 {
                group.addTask { [fixture] in
                    var seen = 0
                    while seen < 600 {
                        let found = try fixture.contents(view.snapshot())
                        // Leaves come in order, so that a snapshot is a prefix of them: none is missing, none twice.
                        guard found.count >= seen, found.count == 0 || found.keys.max() == UInt64(found.count - 1)
                        else {
                            return -1
                        }
                        seen = found.count
                        await Task.yield()
                    }
                    return seen
                }
            }
            for end in stride(from: 20, through: 600, by: 20) {
                try fixture.append(upTo: end, to: store)
                try store.flush()
                await Task.yield()
            }
            try store.close()
            for try await seen in group { #expect(seen == 600) }
        }
    }
}
