import DurableFiles
import EventModel
import Foundation
import Journal
import QueryLanguage
import SystemPackage
import Testing

@testable import EventStore

/// Pages of segment files that searches have read are let go beyond a limit, and read again when they are wanted.
@Suite struct ResidentPagesTests {
    @Test("Answers are the same whether pages are kept or let go after each segment", arguments: [0, 1 << 30])
    func answers(mappedBytes: Int) async throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("pages-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        var fixture = StoreFixture(rows: 400)
        fixture.settings.sealRows = 100
        fixture.settings.fileMergeFactor = 100
        let store = try SegmentStore(
            directory: FilePath(place.path), fileSystem: RealFileSystem(), settings: fixture.settings)
        try fixture.append(upTo: 400, to: store)
        try store.seal()
        let readers = store.view.segments()
        #expect(readers.count > 1 && readers.allSatisfy(\.isFile))
        var limits = SearchLimits()
        limits.mappedBytes = mappedBytes
        let (view, now) = (store.view, fixture.now)
        let search = EmbeddedEventStore(snapshot: { view.snapshot() }, limits: limits, now: { now })
        for text in ["* | stats count by action", "*a*", "* | stats dcount(ip) by actor", "actor:* | fields actor"] {
            let request = SearchRequest(query: try Query(parsing: text, now: now), since: Timestamp(rawValue: .min))
            let first = try await search.search(request, SearchOptions(limit: 1_000))
            for reader in readers { reader.release() }
            let second = try await search.search(request, SearchOptions(limit: 1_000))
            #expect(first.rows == second.rows && first.events == second.events)
            #expect(first.statistics.matched == second.statistics.matched)
            let touched = readers.reduce(0) { $0 + $1.touchedBytes }
            // Groups are complete when the last segment was gathered; lists read their events after that.
            if mappedBytes > 0 { #expect(touched > 0) } else if text.contains("stats") { #expect(touched == 0) }
        }
    }

    @Test("What is read again is counted once, until all is let go")
    func counted() {
        let file = 3 << 20
        let touched = TouchedPages(fileBytes: file)
        touched.insert(5..<5)
        #expect(touched.bytes == 0)
        touched.insert(100..<200)
        let one = touched.bytes
        #expect(one > 0 && one < file)
        for _ in 0..<100 { touched.insert(150..<250) }
        #expect(touched.bytes == one)
        touched.insert(file - 1..<file)
        #expect(touched.bytes == 2 * one)
        touched.insert(0..<file)
        #expect(touched.bytes == file)
        touched.add(10)
        #expect(touched.bytes == file + 10)
        touched.removeAll()
        #expect(touched.bytes == 0)
        touched.insert(100..<200)
        #expect(touched.bytes == one)
    }
}
