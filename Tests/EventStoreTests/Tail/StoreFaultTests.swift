import DurableFiles
import EventModel
import Journal
import SystemPackage
import TestSupport
import Testing

@testable import EventStore

struct StoreFaultTests {
    /// Made once: making records costs more than storing them.
    private static let records = StoreFixture(rows: 160)

    private static func fixture(seed: UInt64 = 5) -> StoreFixture {
        var fixture = records
        fixture.disk = FaultingFileSystem(seed: seed)
        fixture.settings.sealRows = 36
        return fixture
    }

    /// How many operations the whole run takes, so that each of them can be struck.
    private static func operations(_ fixture: StoreFixture) throws -> Int {
        let store = try fixture.open()
        try fixture.append(upTo: 160, to: store)
        try store.close()
        return fixture.disk.operationCount
    }

    @Test("Power loss at any operation loses nothing that the store called durable", arguments: [1, 2, 3] as [UInt64])
    func powerLoss(seed: UInt64) throws {
        let operations = try Self.operations(Self.fixture(seed: seed))
        for operation in 1...operations {
            let fixture = Self.fixture(seed: seed)
            fixture.disk.setFaults([Fault(atOperation: operation, .powerLoss)])
            var durable = 0
            do {
                let store = try fixture.open()
                defer { durable = Int(store.durableIndex.rawValue) }
                for end in stride(from: 40, through: 160, by: 32) {
                    try fixture.append(upTo: end, to: store)
                    durable = Int(store.durableIndex.rawValue)
                }
                try store.close()
            } catch let error as DurableFilesError {
                #expect(error.code == .powerLost)
            }
            fixture.disk.restartMachine()
            let store = try fixture.open()
            #expect(store.faults.isEmpty, "seed \(seed), operation \(operation)")
            #expect(store.nextIndex.rawValue >= durable, "seed \(seed), operation \(operation)")
            try fixture.append(upTo: 160, to: store)
            try store.close()
            let found = try fixture.contents(store.view.snapshot())
            #expect(found == fixture.expected(160), "seed \(seed), operation \(operation)")
            #expect(try fixture.segmentFiles.count == store.view.counters.segments)
        }
    }

    @Test("An I/O error or a full disk at any operation loses nothing, in memory or after a restart")
    func errorsAtAnyOperation() throws {
        let operations = try Self.operations(Self.fixture())
        for errno in [Errno.ioError, .noSpace] {
            for operation in 1...operations {
                let fixture = Self.fixture()
                fixture.disk.setFaults([Fault(atOperation: operation, .shortWrite(errno))])
                do {
                    let store = try fixture.open()
                    try fixture.append(upTo: 160, to: store)
                    try store.tick(now: fixture.now.advanced(byNanoseconds: 11_000_000_000))
                    try store.flush()
                    #expect(try fixture.contents(store.view.snapshot()) == fixture.expected(160))
                    try store.close()
                    #expect(try fixture.contents(store.view.snapshot()) == fixture.expected(160))
                    #expect(store.durableIndex == LeafIndex(160))
                } catch is DurableFilesError {
                    // What cannot be repaired is thrown; the process ends and starts again.
                }
                fixture.disk.restartMachine()
                let store = try fixture.open()
                #expect(store.faults.isEmpty, "\(errno), operation \(operation)")
                try fixture.append(upTo: 160, to: store)
                try store.flush()
                #expect(try fixture.contents(store.view.snapshot()) == fixture.expected(160))
            }
        }
    }

    @Test("On a full disk rows stay searchable, and are sealed once there is space")
    func fullDisk() throws {
        let fixture = StoreFixture(rows: 300)
        let store = try fixture.open()
        fixture.disk.setCapacity(4_000)
        try fixture.append(upTo: 300, to: store)
        try store.flush()
        #expect(try fixture.contents(store.view.snapshot()) == fixture.expected(300))
        #expect((store.failure as? DurableFilesError)?.code == .diskFull)
        #expect(store.view.counters.failures == 1)
        #expect(throws: DurableFilesError.self) { try store.seal() }
        fixture.disk.setCapacity(.max)
        try store.tick(now: fixture.now)
        try store.tick(now: fixture.now.advanced(byNanoseconds: 10_000_000_000))
        #expect(store.failure == nil)
        #expect(store.durableIndex == LeafIndex(300))
    }

    @Test("A failed synchronisation is thrown")
    func failedSynchronisation() throws {
        var struck = 0
        let operations = try Self.operations(Self.fixture())
        for operation in 1...operations where struck < 5 {
            let fixture = Self.fixture()
            fixture.disk.setFaults([Fault(atOperation: operation, .error(.ioError))])
            do {
                let store = try fixture.open()
                try fixture.append(upTo: 160, to: store)
                try store.close()
            } catch let error as DurableFilesError {
                if error.code == .syncFailed { struck += 1 }
            }
        }
        #expect(struck == 5)
    }

    @Test("A missing and a damaged segment are named, kept from search and kept on disk")
    func damagedSegmentsAreQuarantined() throws {
        var fixture = StoreFixture(rows: 400)
        fixture.settings.fileMergeFactor = 100
        var store = try fixture.open()
        try fixture.append(upTo: 400, to: store)
        try store.close()
        let entries = store.manifest.segments
        #expect(entries.count >= 4)
        try fixture.disk.remove(StoreFixture.directory.appending(entries[0].path))
        fixture.disk.alter(StoreFixture.directory.appending(entries[1].path)) { $0[30] ^= 1 }
        fixture.disk.alter(StoreFixture.directory.appending(entries[2].path)) { $0.removeLast(40) }
        fixture.disk.restartProcess()
        store = try fixture.open()
        #expect(store.faults.map(\.file) == entries[0..<3].map(\.path))
        #expect(store.faults[0].reason == "is missing")
        #expect(store.view.counters.quarantined == 3)
        #expect(store.view.segments().count == entries.count - 3)
        #expect(store.nextIndex == LeafIndex(400))
        #expect(store.manifest.segments == entries)
        #expect(try fixture.disk.exists(StoreFixture.directory.appending(entries[1].path)))
    }

    @Test("A page damaged later is found by its reader and by verification; quarantine takes the segment out of search")
    func laterDamage() throws {
        var fixture = StoreFixture(rows: 200)
        fixture.settings.fileMergeFactor = 100
        var store = try fixture.open()
        try fixture.append(upTo: 200, to: store)
        try store.close()
        let first = try #require(store.view.segments().first)
        let times = try #require(first.section(.times))
        fixture.disk.alter(StoreFixture.directory.appending(first.name)) { $0[times.range.lowerBound] ^= 1 }
        fixture.disk.restartProcess()
        store = try fixture.open()
        #expect(store.faults.isEmpty)
        let damaged = try #require(store.view.segments().first)
        #expect(throws: EventStoreError.self) { try damaged.withTimes(.time) { _ in } }
        var faults: [SegmentFault] = []
        store.view.verify { faults.append($0) }
        #expect(faults.map(\.file) == [first.name])
        store.view.quarantine(damaged)
        store.view.quarantine(damaged)
        #expect(!store.view.segments().contains { $0.name == first.name })
        #expect(store.view.counters.quarantined == 1)
        try store.flush()
    }

    @Test("A damaged input stops a merge, not the store")
    func damagedMerge() throws {
        var fixture = StoreFixture(rows: 700)
        fixture.settings.fileMergeFactor = 100
        var store = try fixture.open()
        try fixture.append(upTo: 300, to: store)
        try store.close()
        let first = try #require(store.view.segments().first)
        let records = try #require(first.section(.records))
        fixture.disk.alter(StoreFixture.directory.appending(first.name)) { $0[records.range.lowerBound + 20] ^= 1 }
        fixture.disk.restartProcess()
        fixture.settings.fileMergeFactor = 4
        store = try fixture.open()
        try fixture.append(upTo: 700, to: store)
        #expect((store.failure as? EventStoreError)?.code == .damaged)
        try store.tick(now: fixture.now)
        try store.tick(now: fixture.now.advanced(byNanoseconds: 10_000_000_000))
        try store.close()
        #expect(store.durableIndex == LeafIndex(700))
        #expect(store.view.counters.rows == 700)
        #expect(store.view.counters.fileMerges == 0)
    }

    @Test("Files that no manifest names are removed; a lost or damaged manifest is an error and nothing is removed")
    func straysAndManifest() throws {
        let fixture = StoreFixture(rows: 200)
        var store = try fixture.open()
        try fixture.append(upTo: 200, to: store)
        try store.close()
        let day = StoreFixture.directory.appending(SegmentEntry.dayText(fixture.records.partition.day)).appending("0")
        let stray = day.appending("00000000000000000900-00000000000000000999.segment")
        try fixture.disk.open(stray, .createNew(.privateFile)).append([1, 2, 3])
        let files = try fixture.segmentFiles.count
        store = try fixture.open()
        #expect(try fixture.segmentFiles.count == files - 1)
        let manifest = StoreFixture.directory.appending("manifest")
        fixture.disk.alter(manifest) { $0[40] ^= 1 }
        #expect(throws: EventStoreError.self) { try fixture.open() }
        try fixture.disk.remove(manifest)
        #expect(throws: EventStoreError.self) { try fixture.open() }
        #expect(try fixture.segmentFiles.count == files - 1)
    }
}
