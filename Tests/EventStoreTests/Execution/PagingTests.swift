import Crypto
import EventModel
import QueryLanguage
import Testing

@testable import EventStore

@Suite struct PagingTests {
    private static let samples = (1...40).map { number in
        // Several events share a moment, so that the leaf index has to decide.
        Sample(
            UInt64(number), "2026-11-01T10:0\(number % 7):00Z",
            [(.actorName, "a\(number % 3)"), (.apiDuration, "\(number % 5)")],
            payload: "word\(number % 2)")
    }

    private func pages(_ query: String, _ store: SampleStore, _ order: SearchOptions.Order = .newestFirst) async throws
        -> [UInt64]
    {
        var (cursor, found): (String?, [UInt64]) = (nil, [])
        repeat {
            let result = try await store.search(query, SearchOptions(limit: 7, cursor: cursor, order: order))
            #expect(result.events.count <= 7)
            found += result.events.map(\.index.rawValue)
            cursor = result.cursor
        } while cursor != nil
        return found
    }

    @Test(
        "Pages put together are the whole answer",
        arguments: [
            "*", "word1", "actor:a1", "* | limit 20", "* | sort actor,-api.duration_ms", "* | sort time",
            "* | dedup actor",
            "word0 | limit 14",
        ])
    func wholeAnswer(query: String) async throws {
        let store = try SampleStore(Self.samples)
        #expect(try await pages(query, store) == store.indexes(query))
        let reversed = try await pages("*", store, .oldestFirst)
        #expect(try await reversed == store.indexes("*").reversed())
    }

    @Test("Pages of a table put together are the whole table")
    func tables() async throws {
        let store = try SampleStore(Self.samples)
        let query = "* | stats count by actor,api.duration_ms"
        var (cursor, rows): (String?, [[QueryValue]]) = (nil, [])
        repeat {
            let result = try await store.search(query, SearchOptions(limit: 4, cursor: cursor))
            rows += result.rows
            cursor = result.cursor
        } while cursor != nil
        #expect(try await rows == store.search(query).rows)
        #expect(rows.count == 15)
    }

    @Test("What arrives after the first page changes no later page")
    func arrivals() async throws {
        let before = try SampleStore(Self.samples)
        let late = (41...60).map {
            Sample(UInt64($0), "2026-11-01T10:03:30Z", [(.actorName, "late")], payload: "word1")
        }
        let after = try SampleStore(Self.samples + late, segmentRows: 17)
        for query in ["*", "word1", "* | sort actor", "* | stats count by actor,api.duration_ms"] {
            let first = try await before.search(query, SearchOptions(limit: 5))
            let cursor = try #require(first.cursor)
            let expected = try await before.search(query, SearchOptions(limit: 5, cursor: cursor))
            let found = try await after.search(query, SearchOptions(limit: 5, cursor: cursor))
            #expect(found.events == expected.events)
            #expect(found.rows == expected.rows)
            #expect(found.cursor == expected.cursor)
        }
    }

    @Test("A cursor that is garbage, altered or of another query, reader or store is refused")
    func garbage() async throws {
        let store = try SampleStore(Self.samples)
        let cursor = try #require(try await store.search("*", SearchOptions(limit: 5)).cursor)
        var altered = Array(cursor)
        altered[60] = altered[60] == "0" ? "1" : "0"
        for text in [
            "", "x", String(altered), String(cursor.dropLast(2)), cursor + "00", String(repeating: "ü", count: 116),
        ] {
            await #expect(throws: EventStoreError.self) { try await store.search("*", SearchOptions(cursor: text)) }
        }
        await #expect(throws: EventStoreError.self) { try await store.search("word1", SearchOptions(cursor: cursor)) }
        var request = try store.request("*")
        request.visibleGroups = [.envelope]
        let narrowed = request
        await #expect(throws: EventStoreError.self) {
            try await store.store.search(narrowed, SearchOptions(cursor: cursor))
        }
        let segments = store.segments
        let other = EmbeddedEventStore(
            snapshot: { segments }, cursorKey: SymmetricKey(size: .bits256), now: { SampleStore.now })
        let same = try store.request("*")
        await #expect(throws: EventStoreError.self) { try await other.search(same, SearchOptions(cursor: cursor)) }
    }

    @Test("A limit out of range is refused", arguments: [0, -1, 10_001])
    func limit(limit: Int) async throws {
        let store = try SampleStore(Self.samples)
        let error = await #expect(throws: EventStoreError.self) {
            try await store.search("*", SearchOptions(limit: limit))
        }
        #expect(error?.code == .invalidLimit)
    }

    @Test("Records are read newest first until the page is full, and the count says that it is a lower bound")
    func earlyExit() async throws {
        let samples = (1...200).map { Sample(UInt64($0), "2026-11-01T10:00:00Z", payload: "needle") }.enumerated().map {
            number, sample in
            var sample = sample
            sample.time = sample.time.advanced(byNanoseconds: Int64(number) * 1_000_000_000)
            return sample
        }
        let store = try SampleStore(
            samples, segmentRows: 20,
            limits: {
                var limits = SearchLimits()
                limits.parallelism = 1
                limits.countedRecords = 0
                return limits
            }())
        let result = try await store.search("needle", SearchOptions(limit: 3))
        #expect(result.events.map(\.index.rawValue) == [200, 199, 198])
        #expect(!result.statistics.exact)
        #expect(result.statistics.matched < 200)
        let few = try await SampleStore(samples, segmentRows: 20).search("needle", SearchOptions(limit: 3))
        #expect(few.statistics.exact && few.statistics.matched == 200)
        let counted = try await store.search("needle | stats count")
        #expect(counted.rows == [[.integer(200)]])
        #expect(counted.statistics.exact)
    }
}
