import Crypto
import DurableFiles
import EventModel
import Journal
import QueryLanguage
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import EventStore

@Suite("Rewriting of segments")
struct RewritingTests {
    private static let rows = 300
    /// Made once: making records costs more than storing them.
    private static let records = StoreFixture(rows: rows)
    private static let dropped = LeafRanges(ranges: [30...99, 120...121])
    private static let redactedLeaf: UInt64 = 140

    private static func fixture(seed: UInt64 = 5) -> StoreFixture {
        var fixture = records
        fixture.disk = FaultingFileSystem(seed: seed)
        fixture.settings.sealRows = 50
        return fixture
    }

    private static func hash(_ group: UInt8, _ salt: [UInt8], _ bytes: UnsafeRawBufferPointer) -> Bytes32 {
        var hash = SHA256()
        hash.update(data: [group] + salt)
        hash.update(bufferPointer: bytes)
        return hash.finalize().withUnsafeBytes { Bytes32($0) }
    }

    private static func change(_ fixture: StoreFixture) -> SegmentRewrite {
        var change = SegmentRewrite { hash($0, $1, $2) }
        change.dropped[fixture.records.partition] = dropped
        change.redacted[redactedLeaf] = [.actor, .raw]
        return change
    }

    /// Gives the order and lets the store work until it is done.
    private static func destroy(_ store: SegmentStore, _ fixture: StoreFixture) throws -> Int {
        let outcome = Mutex<Result<Int, any Error>?>(nil)
        store.orders.submit(change(fixture)) { result in outcome.withLock { $0 = result } }
        while true {
            try store.tick(now: fixture.now)
            let result = outcome.withLock { $0 }
            if let result { return try result.get() }
        }
    }

    /// What has to be there afterwards.
    private static func expected(_ fixture: StoreFixture) throws -> [UInt64: [UInt8]] {
        var expected = fixture.expected(rows).filter { !dropped.contains($0.key) }
        expected[redactedLeaf] = try fixture.records.records[Int(redactedLeaf)].withUnsafeBytes {
            SealedForm.destroying([.actor, .raw], of: try SealedView($0))
        }
        return expected
    }

    @Test("Searches count what is left, though the segments' counts were known before")
    func counts() async throws {
        let fixture = Self.fixture()
        let store = try fixture.open()
        try fixture.append(upTo: Self.rows, to: store)
        let (view, now) = (store.view, fixture.now)
        let search = EmbeddedEventStore(snapshot: { view.snapshot() }, now: { now })
        let request = SearchRequest(
            query: try Query(parsing: "* | stats count by actor.name", now: now), since: Timestamp(rawValue: .min))
        func counted(_ records: [UInt64: [UInt8]]) throws -> [String?: Int] {
            try records.values.reduce(into: [:]) { counts, record in
                let name = try record.withUnsafeBytes { try SealedView($0).value(first: .actorName)?.text }
                counts[name, default: 0] += 1
            }
        }
        func found() async throws -> [String?: Int] {
            try await search.search(request, SearchOptions()).rows.reduce(into: [:]) { counts, row in
                if case .integer(let count) = row[1] { counts[row[0].text] = Int(count) }
            }
        }
        for _ in 0..<2 { #expect(try await found() == counted(fixture.expected(Self.rows))) }
        #expect(try Self.destroy(store, fixture) > 0)
        for _ in 0..<2 { #expect(try await found() == counted(Self.expected(fixture))) }
    }

    @Test(
        "Dropped rows and their keys are gone, a redacted row keeps the salts of what it keeps, the rest keeps its keys"
    )
    func keys() throws {
        let fixture = Self.fixture()
        let store = try fixture.open()
        try fixture.append(upTo: Self.rows, to: store)
        let before = store.view.snapshot()
        #expect(try Self.destroy(store, fixture) > 0)
        let expected = try Self.expected(fixture)
        #expect(try fixture.contents(store.view.snapshot()) == expected)
        // Whoever was reading finishes with what there was.
        #expect(try fixture.contents(before) == fixture.expected(Self.rows))
        for index in 0..<UInt64(Self.rows) {
            let position = JournalBundle.position(of: index)
            var whole = SaltDeriver(SegmentFixture.seed(ofBundle: index / 256))
            var covering = 0
            for segment in store.view.segments() {
                guard let seed = try segment.seed(for: LeafIndex(index)) else { continue }
                var deriver = SaltDeriver(seed)
                guard let key = deriver.key(at: position) else { continue }
                covering += 1
                #expect(key == whole.key(at: position))
            }
            let isGone = Self.dropped.contains(index) || index == Self.redactedLeaf
            #expect(isGone ? covering == 0 : covering > 0, "leaf \(index)")
        }
        let stored = try #require(try store.view.record(at: LeafIndex(Self.redactedLeaf)))
        let remains = try #require(stored.seed?.remains(at: JournalBundle.position(of: Self.redactedLeaf)))
        var whole = SaltDeriver(SegmentFixture.seed(ofBundle: Self.redactedLeaf / 256))
        let derived = whole.salts(at: JournalBundle.position(of: Self.redactedLeaf))
        let salts = try #require(derived)
        #expect(remains.parts[0] == .salt(salts.salt(ofGroup: 0)))
        guard case .hash = remains.parts[1] else {
            Issue.record("the actor's salt is still there")
            return
        }
    }

    @Test("What was done is not done again, also after a restart, and merges keep it")
    func again() throws {
        let fixture = Self.fixture()
        let store = try fixture.open()
        try fixture.append(upTo: Self.rows, to: store)
        #expect(try Self.destroy(store, fixture) > 0)
        #expect(try Self.destroy(store, fixture) == 0)
        for _ in 0..<10 { try store.tick(now: fixture.now) }
        #expect(store.counters.fileMerges > 0)
        #expect(try Self.destroy(store, fixture) == 0)
        try store.close()
        let reopened = try fixture.open()
        #expect(try Self.destroy(reopened, fixture) == 0)
        #expect(try fixture.contents(reopened.view.snapshot()) == Self.expected(fixture))
        for segment in reopened.view.segments() {
            #expect(try segment.indexDigest() == segment.rebuiltIndexDigest())
            segment.verify { Issue.record("\($0)") }
        }
    }

    @Test("Power loss at any operation leaves every row that stays, and the order can be given again")
    func powerLoss() throws {
        let reference = Self.fixture()
        let prepared = try reference.open()
        try reference.append(upTo: Self.rows, to: prepared)
        try prepared.seal()
        let start = reference.disk.operationCount
        _ = try Self.destroy(prepared, reference)
        let end = reference.disk.operationCount
        let expected = try Self.expected(reference)
        for operation in start + 1...end {
            let fixture = Self.fixture()
            fixture.disk.setFaults([Fault(atOperation: operation, .powerLoss)])
            do {
                let store = try fixture.open()
                try fixture.append(upTo: Self.rows, to: store)
                try store.seal()
                _ = try Self.destroy(store, fixture)
            } catch let error as DurableFilesError {
                #expect(error.code == .powerLost)
            }
            fixture.disk.restartMachine()
            let store = try fixture.open()
            #expect(store.faults.isEmpty, "operation \(operation)")
            let found = try fixture.contents(store.view.snapshot())
            #expect(expected.keys.allSatisfy { found[$0] != nil }, "operation \(operation)")
            try fixture.append(upTo: Self.rows, to: store)
            _ = try Self.destroy(store, fixture)
            #expect(try fixture.contents(store.view.snapshot()) == expected, "operation \(operation)")
            #expect(try fixture.segmentFiles.count == store.view.counters.segments, "operation \(operation)")
        }
    }

    @Test("A full disk refuses the order and loses nothing; given again it succeeds")
    func fullDisk() throws {
        let reference = Self.fixture()
        let prepared = try reference.open()
        try reference.append(upTo: Self.rows, to: prepared)
        try prepared.seal()
        let start = reference.disk.operationCount
        _ = try Self.destroy(prepared, reference)
        for operation in start + 1...reference.disk.operationCount {
            let fixture = Self.fixture()
            fixture.disk.setFaults([Fault(atOperation: operation, .shortWrite(.noSpace))])
            do {
                let store = try fixture.open()
                try fixture.append(upTo: Self.rows, to: store)
                try store.seal()
                _ = try? Self.destroy(store, fixture)
                _ = try Self.destroy(store, fixture)
                #expect(try fixture.contents(store.view.snapshot()) == Self.expected(fixture))
            } catch is DurableFilesError {
                // What cannot be repaired is thrown; the process ends and starts again.
            }
        }
    }

    @Test("An order at a damaged segment is refused by name")
    func damaged() throws {
        let fixture = Self.fixture()
        let store = try fixture.open()
        try fixture.append(upTo: Self.rows, to: store)
        try store.close()
        let name = try #require(store.view.segments().first { $0.isFile }?.name)
        fixture.disk.alter(StoreFixture.directory.appending(name)) { $0[3] ^= 1 }
        let reopened = try fixture.open()
        #expect(throws: EventStoreError.self) { try Self.destroy(reopened, fixture) }
    }
}

@Suite("Ranges of leaves")
struct LeafRangesTests {
    @Test("Ranges that touch become one, in any order, and membership is exact")
    func membership() {
        let ranges = LeafRanges(ranges: [10...12, 13...20, 0...0, 30...30, 15...18])
        #expect(ranges.ranges == [0...0, 10...20, 30...30])
        #expect(ranges.count == 13)
        let inside = (0...40).filter { ranges.contains(UInt64($0)) }
        #expect(inside == [0] + Array(10...20) + [30])
        #expect(ranges.overlaps(20...29) && !ranges.overlaps(21...29) && ranges.overlaps(1...10))
        #expect(LeafRanges([3, 1, 2, 7]).ranges == [1...3, 7...7])
    }
}
