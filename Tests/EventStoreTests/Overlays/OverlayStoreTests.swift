import DurableFiles
import EventModel
import Journal
import SystemPackage
import Testing

@testable import EventStore

@Suite("What was read again, on disk")
struct OverlayStoreTests {
    private static let reread: [UInt64] = Array(stride(from: 0, to: 90, by: 2))

    private static func readings(by version: String = "doorbell/2") -> [Sample] {
        reread.map { OverlayFixture.reading($0, by: version) }
    }

    private static func overlaid(_ fixture: OverlayFixture) throws -> SegmentStore {
        let store = try fixture.open()
        try fixture.append(to: store)
        try OverlayFixture.overlay(readings(), on: store)
        return store
    }

    /// The leaves that read otherwise now, with their connector.
    private static func seen(_ store: SegmentStore) async throws -> [UInt64: String] {
        let search = OverlayFixture.searcher(store)
        #expect(try await search.leaves("*").count == 100)
        var seen: [UInt64: String] = [:]
        for version in ["doorbell/2", "doorbell/3", "knocker/1"] {
            for leaf in try await search.leaves("norm.overlay:=\(version) action:new.*") { seen[leaf] = version }
        }
        return seen
    }

    private static func all(_ version: String) -> [UInt64: String] {
        Dictionary(uniqueKeysWithValues: reread.map { ($0, version) })
    }

    @Test("It is there after a restart, whatever merges do to the segments, and files are of bounded size")
    func restart() async throws {
        var fixture = try OverlayFixture()
        fixture.settings.fileMergeFactor = 50
        let store = try Self.overlaid(fixture)
        #expect(try fixture.overlayFiles.count == 3)
        #expect(try await Self.seen(store) == Self.all("doorbell/2"))
        try store.close()
        fixture.settings.fileMergeFactor = 3
        let merging = try fixture.open()
        #expect(try await Self.seen(merging) == Self.all("doorbell/2"))
        for _ in 0..<10 { try merging.tick(now: OverlayFixture.now) }
        #expect(merging.counters.fileMerges > 0)
        #expect(try await Self.seen(merging) == Self.all("doorbell/2"))
        try merging.close()
        let reopened = try fixture.open()
        #expect(reopened.faults.isEmpty)
        #expect(try await Self.seen(reopened) == Self.all("doorbell/2"))
    }

    @Test("The same payloads and the same connector give the same bytes, however the segments were cut")
    func deterministic() throws {
        var contents: [[[UInt8]]] = []
        for rows in [20, 50] {
            var fixture = try OverlayFixture()
            fixture.settings.sealRows = rows
            _ = try Self.overlaid(fixture)
            let day = OverlayFixture.overlays.appending("2026-11-23/0")
            contents.append(try fixture.overlayFiles.map { try fixture.disk.contents(of: day.appending($0)) })
        }
        #expect(contents[0] == contents[1])
    }

    @Test("A later reading takes the place of the whole one before; another source's stays")
    func replaced() async throws {
        let fixture = try OverlayFixture()
        let store = try Self.overlaid(fixture)
        try OverlayFixture.overlay([OverlayFixture.reading(7, by: "knocker/1")], source: "odd", on: store)
        try OverlayFixture.overlay([OverlayFixture.reading(4, by: "doorbell/3")], on: store)
        #expect(try await Self.seen(store) == [4: "doorbell/3", 7: "knocker/1"])
        #expect(try fixture.overlayFiles.count == 2)
        // A connector that reads all as it was sealed leaves nothing.
        try OverlayFixture.overlay([], on: store)
        #expect(try await Self.seen(store) == [7: "knocker/1"])
        try store.close()
        #expect(try await Self.seen(try fixture.open()) == [7: "knocker/1"])
    }

    @Test("One source is read again at a time; a draft that nobody publishes leaves nothing")
    func oneDraft() async throws {
        let fixture = try OverlayFixture()
        let store = try Self.overlaid(fixture)
        let draft = try OverlayFixture.begin(store)
        try OverlayFixture.fill(draft, Self.readings(by: "doorbell/3"))
        #expect(throws: EventStoreError.self) { try OverlayFixture.begin(store, source: "odd") }
        #expect(try fixture.overlayFiles.count == 6)
        store.orders.abandon(draft)
        try store.tick(now: OverlayFixture.now)
        #expect(try fixture.overlayFiles.count == 3)
        #expect(throws: EventStoreError.self) { try OverlayFixture.publish(draft, store) }
        #expect(try await Self.seen(store) == Self.all("doorbell/2"))
        _ = try OverlayFixture.begin(store, source: "odd")
        try store.close()
    }

    @Test("Events that are in no file yet are written first, so that a run covers them")
    func memory() throws {
        let fixture = try OverlayFixture(13)
        let store = try fixture.open()
        try fixture.append(to: store)
        #expect(store.view.segments().contains { !$0.isFile })
        let draft = try OverlayFixture.begin(store)
        #expect(draft.segments.allSatisfy { $0.isFile })
        #expect(draft.segments.reduce(0) { $0 + $1.rowCount } == 13)
    }

    // MARK: Destruction

    @Test("Redaction and destruction take an event's reading first; the readings of others stay")
    func destroyed() async throws {
        let fixture = try OverlayFixture()
        let store = try Self.overlaid(fixture)
        var change = OverlayFixture.change
        change.redacted[10] = [.actor, .raw]
        change.dropped[OverlayFixture.partition] = LeafRanges(ranges: [20...29])
        let files = try fixture.overlayFiles
        #expect(try OverlayFixture.destroy(change, on: store) > 0)
        let gone: Set<UInt64> = [10, 20, 22, 24, 26, 28]
        let search = OverlayFixture.searcher(store)
        #expect(try await search.leaves("norm.overlay:*") == Set(Self.reread).subtracting(gone))
        #expect(try await search.leaves("*").count == 90)
        #expect(try fixture.overlayFiles != files)
        for name in try fixture.overlayFiles {
            let path = OverlayFixture.overlays.appending("2026-11-23/0").appending(name)
            let reader = try SegmentReader(.file(fixture.disk.map(path)), name: name)
            var index = try reader.leafIndexes()
            let left = (0..<reader.rowCount).map { index($0).rawValue }
            #expect(gone.isDisjoint(with: left))
        }
        #expect(try OverlayFixture.destroy(change, on: store) == 0)
        try store.close()
        #expect(try await OverlayFixture.searcher(try fixture.open()).leaves("norm.overlay:*").isDisjoint(with: gone))
    }

    @Test("What retention takes as a whole takes its readings along")
    func retention() async throws {
        let fixture = try OverlayFixture()
        let store = try Self.overlaid(fixture)
        var change = OverlayFixture.change
        change.dropped[OverlayFixture.partition] = LeafRanges(ranges: [0...99])
        #expect(try OverlayFixture.destroy(change, on: store) > 0)
        #expect(try fixture.overlayFiles.isEmpty)
        #expect(try await OverlayFixture.searcher(store).leaves("*").isEmpty)
    }

    @Test(
        "A draft that is being made when events are destroyed is never published, and its files go before anything else"
    )
    func destroyedMeanwhile() async throws {
        let fixture = try OverlayFixture()
        let store = try Self.overlaid(fixture)
        let draft = try OverlayFixture.begin(store)
        try OverlayFixture.fill(draft, Self.readings(by: "doorbell/3"))
        var change = OverlayFixture.change
        change.redacted[10] = [.raw]
        _ = try OverlayFixture.destroy(change, on: store)
        #expect(throws: EventStoreError.self) { try OverlayFixture.fill(draft, [OverlayFixture.reading(96)]) }
        #expect(throws: EventStoreError.self) { try OverlayFixture.publish(draft, store) }
        #expect(try await Self.seen(store).values.allSatisfy { $0 == "doorbell/2" })
        #expect(try fixture.overlayFiles.count == store.view.counters.overlayFiles)
    }

    // MARK: Crashes and damage

    /// Publishes a second reading and destroys an event of it; each operation can be struck.
    private static func story(_ store: SegmentStore) throws {
        try OverlayFixture.overlay(readings(by: "doorbell/3"), on: store)
        var change = OverlayFixture.change
        change.redacted[10] = [.raw]
        _ = try OverlayFixture.destroy(change, on: store)
    }

    @Test("Power loss at any operation leaves the old reading or the new one, whole")
    func powerLoss() async throws {
        let reference = try OverlayFixture()
        let prepared = try Self.overlaid(reference)
        let start = reference.disk.operationCount
        try Self.story(prepared)
        for operation in start + 1...reference.disk.operationCount {
            let fixture = try OverlayFixture()
            fixture.disk.setFaults([Fault(atOperation: operation, .powerLoss)])
            do {
                try Self.story(try Self.overlaid(fixture))
            } catch let error as DurableFilesError {
                #expect(error.code == .powerLost)
            }
            fixture.disk.restartMachine()
            let store = try fixture.open()
            #expect(store.faults.isEmpty, "operation \(operation)")
            try fixture.append(to: store)
            let seen = try await Self.seen(store)
            let isWhole = [
                Self.all("doorbell/2"), Self.all("doorbell/3"), Self.all("doorbell/3").filter { $0.key != 10 },
            ]
            .contains(seen)
            #expect(isWhole, "operation \(operation): \(seen)")
            #expect(try fixture.overlayFiles.count == store.view.counters.overlayFiles, "operation \(operation)")
            try Self.story(store)
            #expect(try await Self.seen(store) == Self.all("doorbell/3").filter { $0.key != 10 })
        }
    }

    @Test("A full disk changes nothing, and the same can be done again")
    func fullDisk() async throws {
        let reference = try OverlayFixture()
        let prepared = try Self.overlaid(reference)
        let start = reference.disk.operationCount
        try OverlayFixture.overlay(Self.readings(by: "doorbell/3"), on: prepared)
        for operation in start + 1...reference.disk.operationCount {
            let fixture = try OverlayFixture()
            fixture.disk.setFaults([Fault(atOperation: operation, .shortWrite(.noSpace))])
            let store = try Self.overlaid(fixture)
            do {
                let draft = try OverlayFixture.begin(store)
                do {
                    try OverlayFixture.fill(draft, Self.readings(by: "doorbell/3"))
                    try OverlayFixture.publish(draft, store)
                } catch {
                    store.orders.abandon(draft)
                    try store.tick(now: OverlayFixture.now)
                    #expect(try await Self.seen(store) == Self.all("doorbell/2"), "operation \(operation)")
                }
                try OverlayFixture.overlay(Self.readings(by: "doorbell/3"), on: store)
                #expect(try await Self.seen(store) == Self.all("doorbell/3"), "operation \(operation)")
            } catch is DurableFilesError {
                // What cannot be repaired is thrown; the process ends and starts again.
            }
        }
    }

    @Test("A damaged overlay is told and left out: its events read as they were sealed")
    func damaged() async throws {
        let fixture = try OverlayFixture()
        try Self.overlaid(fixture).close()
        let day = OverlayFixture.overlays.appending("2026-11-23/0")
        let first = try #require(try fixture.overlayFiles.first)
        fixture.disk.alter(day.appending(first)) { $0[20] ^= 1 }
        let store = try fixture.open()
        #expect(store.faults.count == 1 && store.faults[0].file == "overlays/2026-11-23/0/\(first)")
        let seen = try await Self.seen(store)
        #expect(!seen.isEmpty && seen.count < Self.reread.count)
        try store.close()
        let dropped = try OverlayRepair(directory: OverlayFixture.overlays, fileSystem: fixture.disk).run()
        #expect(dropped == ["overlays/2026-11-23/0/\(first)"])
        #expect(try fixture.open().faults.isEmpty)
    }

    @Test("A manifest that cannot be used is told, and nothing that it named stays")
    func damagedManifest() async throws {
        let fixture = try OverlayFixture()
        try Self.overlaid(fixture).close()
        fixture.disk.alter(OverlayFixture.overlays.appending("manifest")) { $0[25] ^= 1 }
        let store = try fixture.open()
        #expect(store.faults.map(\.file) == ["overlays/manifest"])
        #expect(try fixture.overlayFiles.isEmpty)
        #expect(try await Self.seen(store).isEmpty)
        try OverlayFixture.overlay(Self.readings(), on: store)
        #expect(try await Self.seen(store) == Self.all("doorbell/2"))
    }

    @Test("A manifest reads what it wrote, and nothing else")
    func manifest() throws {
        let fixture = try OverlayFixture()
        let store = try Self.overlaid(fixture)
        try OverlayFixture.overlay([OverlayFixture.reading(7)], source: "odd", on: store)
        let bytes = try fixture.disk.contents(of: OverlayFixture.overlays.appending("manifest"))
        let manifest = try OverlayManifest(bytes)
        #expect(manifest.encoded() == bytes)
        #expect(manifest.files.map(\.source) == ["even", "even", "even", "odd"])
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 0x10
            #expect(throws: EventStoreError.self) { try OverlayManifest(changed) }
        }
        #expect(throws: EventStoreError.self) { try OverlayManifest([]) }
    }
}
