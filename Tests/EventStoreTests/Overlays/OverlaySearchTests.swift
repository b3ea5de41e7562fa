import AccessControl
import EventModel
import Foundation
import QueryLanguage
import Testing

@testable import EventStore

/// Searching over what was read again has to give what searching the same events would, had they been sealed like that.
@Suite("Searches over what was read again")
struct OverlaySearchTests {
    private static let reread: [UInt64] = Array(stride(from: 0, to: 90, by: 6))
    private static let count: UInt64 = 100

    private static func overlaid() throws -> SegmentStore {
        let fixture = try OverlayFixture(Int(count))
        let store = try fixture.open()
        try fixture.append(to: store)
        try OverlayFixture.overlay(reread.map { OverlayFixture.reading($0) }, on: store)
        return store
    }

    /// A store whose events were sealed as they read now.
    private static func expected() throws -> SampleStore {
        try SampleStore(
            (0..<count).map { reread.contains($0) ? OverlayFixture.reading($0) : OverlayFixture.sample($0) },
            segmentRows: 30)
    }

    @Test(
        "An event is found by what it reads like now, not by what was sealed, and the sealed reading can be asked for")
    func finds() async throws {
        let store = try Self.overlaid()
        let search = OverlayFixture.searcher(store)
        let changed = Set(Self.reread)
        #expect(try await search.leaves("action:new.*") == changed)
        #expect(try await search.leaves("norm.overlay:*") == changed)
        #expect(try await search.leaves("action:old.*").isDisjoint(with: changed))
        #expect(try await search.leaves("*").count == Int(Self.count))
        #expect(try await search.leaves("action:new.*", .sealed).isEmpty)
        #expect(try await search.leaves("action:old.*", .sealed).count == Int(Self.count))
        #expect(try await search.leaves("norm.overlay:*", .sealed).isEmpty)
    }

    @Test(
        "Hits, counts, groups, charts, sorts and words are those of events that were sealed like that",
        arguments: [
            "*", "action:new.1", "-action:old.*", "action:(new.0 OR old.3)", "payload1", "raw.n:>=40",
            "raw.word:payload2",
            "norm.overlay:doorbell*", "action:new.* | stats count by actor.name", "* | top 10 action",
            "* | rare 3 action",
            "* | stats count, dcount(action) by source.name | sort -count", "* | timechart span=10m count by action",
            "action:new.* | sort action,-time", "* | dedup action | fields index,action", "* | sort action | limit 7",
            "action:new.* | where actor.name:person0 | stats count", "time:>=2026-11-23T10:30:00Z action:new.2",
            "index:12..40 action:new.*", "\"new.3\"", "* | stats count by norm.overlay",
        ])
    func answers(query: String) async throws {
        let store = try Self.overlaid()
        let request = try OverlayFixture.request(query)
        for order in [SearchOptions.Order.newestFirst, .oldestFirst] {
            let options = SearchOptions(limit: 1_000, order: order)
            let found = try await OverlayFixture.searcher(store).search(request, options)
            let wanted = try await Self.expected().store.search(request, options)
            #expect(found.events.map(\.json) == wanted.events.map(\.json))
            #expect(found.rows == wanted.rows)
            #expect(found.statistics.matched == wanted.statistics.matched)
            #expect(found.statistics.exact == wanted.statistics.exact)
        }
    }

    @Test("Pages add up to the whole, and a cursor of before a new reading is refused, not misread")
    func pages() async throws {
        let store = try Self.overlaid()
        let search = OverlayFixture.searcher(store)
        for query in ["*", "* | sort action", "* | fields index,action"] {
            let request = try OverlayFixture.request(query)
            let whole = try await search.search(request, SearchOptions(limit: 1_000))
            var events: [[UInt8]] = []
            var rows: [[QueryValue]] = []
            var cursor: String?
            repeat {
                let page = try await search.search(request, SearchOptions(limit: 7, cursor: cursor))
                events += page.events.map(\.json)
                rows += page.rows
                cursor = page.cursor
            } while cursor != nil
            #expect(events == whole.events.map(\.json) && rows == whole.rows)
        }
        let request = try OverlayFixture.request("*")
        let first = try await search.search(request, SearchOptions(limit: 7))
        let sealed = try await search.search(request, SearchOptions(limit: 7, reading: .sealed))
        try OverlayFixture.overlay([OverlayFixture.reading(4)], on: store)
        await #expect(throws: EventStoreError.self) {
            try await search.search(request, SearchOptions(limit: 7, cursor: first.cursor))
        }
        let next = try await search.search(request, SearchOptions(limit: 7, cursor: sealed.cursor, reading: .sealed))
        #expect(next.events.count == 7)
        await #expect(throws: EventStoreError.self) {
            try await search.search(request, SearchOptions(limit: 7, cursor: sealed.cursor))
        }
    }

    @Test("Fields and values that are offered are those of what is read now")
    func completion() async throws {
        let search = OverlayFixture.searcher(try Self.overlaid())
        let request = try OverlayFixture.request("*")
        let values = try await search.values(of: .field(.action), prefix: "new", limit: 9, request)
        #expect(values.isExact)
        #expect(values.entries.reduce(0) { $0 + $1.events } == Self.reread.count)
        #expect(try await search.values(of: .field(.action), prefix: "new", limit: 9, request, .sealed).entries.isEmpty)
        #expect(try await search.fields(request).entries.contains { $0.name == "norm.overlay" })
        #expect(try await !search.fields(request, .sealed).entries.contains { $0.name == "norm.overlay" })
    }

    @Test("An event shows both readings")
    func single() async throws {
        let search = OverlayFixture.searcher(try Self.overlaid())
        let read = try Authorizer.authorizeRead(
            for: Principal(id: "t", kind: .token, name: "t", scopes: [.admin]), now: OverlayFixture.now)
        let event = try #require(try await search.event(at: LeafIndex(6), read))
        #expect(String(decoding: event.json, as: UTF8.self).contains(#""action":"old.6""#))
        let overlay = String(decoding: try #require(event.overlay), as: UTF8.self)
        #expect(overlay.contains(#""action":"new.2""#) && overlay.contains(#""overlay":"doorbell/2""#))
        #expect(try await search.event(at: LeafIndex(7), read)?.overlay == nil)
    }

    // MARK: Access

    @Test("An event has to be allowed by what was sealed and by what it reads like now, whichever is searched")
    func access() async throws {
        let fixture = try OverlayFixture()
        let store = try fixture.open()
        try fixture.append(to: store)
        // Of four events of acme/0, two now read as acme/1; of acme/1, one now reads as acme/0.
        try OverlayFixture.overlay(
            [
                OverlayFixture.reading(0), OverlayFixture.reading(4, [(.vcsRepo, "acme/0")]),
                OverlayFixture.reading(6, [(.vcsRepo, "acme/1")]), OverlayFixture.reading(12, [(.vcsRepo, "acme/1")]),
            ], on: store)
        let search = OverlayFixture.searcher(store)
        let mine: Filter = .field(.field(.vcsRepo), .equals("acme/0"))
        let sealed = Set((0..<UInt64(fixture.count)).filter { $0 % 3 == 0 })
        let allowed = sealed.subtracting([6, 12])
        for reading in [SearchOptions.Reading.current, .sealed] {
            #expect(try await search.leaves("*", reading, restriction: mine) == allowed)
            let count = try await search.search(
                OverlayFixture.request("* | stats count by vcs.repo", restriction: mine),
                SearchOptions(reading: reading))
            #expect(count.rows == [[.text("acme/0"), .integer(Int64(allowed.count))]])
            let values = try await search.values(
                of: .field(.vcsRepo), prefix: "", limit: 9, OverlayFixture.request("*", restriction: mine), reading)
            #expect(values.entries.map(\.events) == [allowed.count])
        }
        #expect(try await search.leaves("action:new.*", restriction: mine) == [0])
        // A restriction that only the records decide, and one that leaves out.
        let word: Filter = .not(.field(.field(.vcsRepo), .equals("acme/1")))
        #expect(try await search.leaves("*", restriction: word).isDisjoint(with: [4, 6, 12]))
    }

    @Test("A single event that either reading forbids does not exist")
    func accessOfOne() async throws {
        let fixture = try OverlayFixture()
        let store = try fixture.open()
        try fixture.append(to: store)
        try OverlayFixture.overlay(
            [
                OverlayFixture.reading(0), OverlayFixture.reading(4, [(.vcsRepo, "acme/0")]),
                OverlayFixture.reading(6, [(.vcsRepo, "acme/1")]),
            ], on: store)
        let scoped = Principal(
            id: "p", kind: .person, name: "p",
            grants: [Grant(.investigator, over: AccessScope(repositories: ["acme/0"]))])
        let read = try Authorizer.authorizeRead(for: scoped, now: OverlayFixture.now)
        let search = OverlayFixture.searcher(store)
        #expect(try await search.event(at: LeafIndex(0), read)?.overlay != nil)
        #expect(try await search.event(at: LeafIndex(3), read) != nil)
        #expect(try await search.event(at: LeafIndex(4), read) == nil)
        #expect(try await search.event(at: LeafIndex(6), read) == nil)
    }

    @Test("Classes of fields that a reader may not see are hidden in what reads now too")
    func classes() async throws {
        let fixture = try OverlayFixture()
        let store = try fixture.open()
        try fixture.append(to: store)
        try OverlayFixture.overlay([OverlayFixture.reading(0, [(.actorName, "zebra")])], on: store)
        var request = try OverlayFixture.request("zebra")
        request.visibleGroups = [.envelope, .resource]
        let search = OverlayFixture.searcher(store)
        #expect(try await search.search(request, SearchOptions()).events.isEmpty)
        request.query = try Query(parsing: "norm.overlay:*", now: OverlayFixture.now)
        let hit = try #require(try await search.search(request, SearchOptions()).events.first)
        #expect(!String(decoding: hit.json, as: UTF8.self).contains("zebra"))
    }
}
