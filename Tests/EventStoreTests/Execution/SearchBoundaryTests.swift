import AccessControl
import EventModel
import QueryLanguage
import Testing

@testable import EventStore

/// What a reader may not see shows nowhere, and what a search may not cost ends it with a clear error.
@Suite struct SearchBoundaryTests {
    private static let samples = (1...30).map(sample)

    private static func sample(_ number: Int) -> Sample {
        let source = number % 10 == 0 ? "custody" : number % 2 == 0 ? "open" : "closed"
        let fields: [(Field, String)] = [
            (.sourceName, source), (.actorName, "secret\(number)"), (.action, "api.call"), (.outcomeReason, "because"),
        ]
        return Sample(
            UInt64(number), "2026-11-23T10:\(number + 10):00Z", fields, payload: #"{"hidden":"treasure\#(number)"}"#)
    }

    private func request(_ store: SampleStore, _ query: String) throws -> SearchRequest {
        var request = try store.request(query)
        request.restriction = .field(.field(.sourceName), .equals("open"))
        request.visibleGroups = [.envelope, .text]
        return request
    }

    @Test("A restriction cuts hits, counts, groups, fields and values, and looks at fields that are not visible")
    func restriction() async throws {
        let store = try SampleStore(Self.samples)
        let events = try await store.store.search(request(store, "*"), SearchOptions(limit: 100))
        #expect(events.events.map(\.index.rawValue) == [28, 26, 24, 22, 18, 16, 14, 12, 8, 6, 4, 2])
        #expect(events.statistics.matched == 12)
        let counted = try await store.store.search(request(store, "* | stats count by source.name"), SearchOptions())
        #expect(counted.rows == [[.text("open"), .integer(12)]])
        let fields = try await store.store.fields(request(store, "*"))
        #expect(fields.sampledEvents == 12)
        let values = try await store.store.values(of: .field(.sourceName), prefix: "", limit: 10, request(store, "*"))
        #expect(values == ValueSummary(entries: [.init(value: "open", events: 12)], isExact: true))
        var byActor = try store.request("*")
        byActor.restriction = .not(.field(.field(.actorName), .equals("secret4")))
        byActor.visibleGroups = [.envelope]
        let found = try await store.store.search(byActor, SearchOptions(limit: 100))
        #expect(found.statistics.matched == 29)
    }

    @Test(
        "Hidden fields are absent in filters, text, groups, sorts, tables and completion",
        arguments: [
            ("actor:*", 0), ("-actor:*", 12), ("secret2", 0), ("treasure2", 0), ("raw.hidden:*", 0), ("because", 12),
            ("open", 12),
        ])
    func hiddenFields(query: String, expected: Int) async throws {
        let store = try SampleStore(Self.samples)
        #expect(try await store.store.search(request(store, query), SearchOptions()).statistics.matched == expected)
        let groups = try await store.store.search(
            request(store, "* | stats count, max(raw.hidden) by actor"), SearchOptions())
        #expect(groups.rows == [[.absent, .integer(12), .absent]])
        let cells = try await store.store.search(
            request(store, "* | sort actor | fields actor,raw.hidden | limit 1"), SearchOptions())
        #expect(cells.rows == [[.absent, .absent]])
        let names = try await store.store.fields(request(store, "*")).entries.map(\.name)
        #expect(!names.contains("actor.name") && !names.contains("raw.hidden") && names.contains("outcome_reason"))
        #expect(
            try await store.store.values(of: .alias(.actor), prefix: "", limit: 5, request(store, "*")).entries.isEmpty)
        let json = try await store.store.search(request(store, "*"), SearchOptions()).events.map {
            String(decoding: $0.json, as: UTF8.self)
        }
        #expect(json.allSatisfy { !$0.contains("secret") && !$0.contains("treasure") })
    }

    @Test("Custody's own audit events are hidden unless the query names them, single events obey the grant")
    func authorized() async throws {
        let store = try SampleStore(Self.samples)
        let admin = Principal(id: "t", kind: .token, name: "t", scopes: [.admin])
        func search(_ text: String, _ principal: Principal) async throws -> Int {
            let query = try Query(parsing: text, now: SampleStore.now)
            let authorized = try Authorizer.authorize(query, for: principal, now: SampleStore.now)
            return try await store.store.search(authorized, SearchOptions()).statistics.matched
        }
        #expect(try await search("action:api.call", admin) == 27)
        #expect(try await search("source:custody", admin) == 3)
        #expect(try await search("source:*", admin) == 30)
        #expect(try await search("-source:open", admin) == 15)

        let scoped = Principal(
            id: "p", kind: .person, name: "p",
            grants: [Grant(.investigator, over: AccessScope(sources: ["open"]), groups: [.envelope, .raw])])
        let read = try Authorizer.authorizeRead(for: scoped, now: SampleStore.now)
        let visible = try #require(try await store.store.event(at: LeafIndex(2), read))
        #expect(visible.payload == Array(#"{"hidden":"treasure2"}"#.utf8))
        #expect(!String(decoding: visible.json, as: UTF8.self).contains("secret"))
        #expect(try await store.store.event(at: LeafIndex(1), read) == nil)
        #expect(try await store.store.event(at: LeafIndex(99), read) == nil)
    }

    // MARK: Limits

    private func failure(
        _ query: String, isInBackground: Bool = false, _ change: (inout SearchLimits) -> Void
    ) async throws -> EventStoreError.Code? {
        var limits = SearchLimits()
        change(&limits)
        var options = SearchOptions()
        options.isInBackground = isInBackground
        let store = try SampleStore(Self.samples, limits: limits)
        do {
            _ = try await store.search(query, options)
            return nil
        } catch let error as EventStoreError {
            return error.code
        }
    }

    @Test("Each limit ends the search with its own error and lets through what is within it")
    func limits() async throws {
        #expect(try await failure("* | stats count by actor") { $0.groups = 29 } == .tooManyGroups)
        #expect(try await failure("* | stats count by actor") { $0.groups = 30 } == nil)
        #expect(try await failure("* | stats dcount(actor)") { $0.distinctValues = 29 } == .tooManyGroups)
        #expect(try await failure("* | stats dcount(actor)") { $0.distinctValues = 30 } == nil)
        #expect(try await failure("* | stats p50(index)") { $0.rankedValues = 29 } == .tooManyGroups)
        #expect(try await failure("* | stats p50(index)") { $0.rankedValues = 30 } == nil)
        #expect(try await failure("* | dedup actor") { $0.orderedEvents = 29 } == .tooManyRows)
        #expect(try await failure("* | dedup actor") { $0.orderedEvents = 30 } == nil)
        #expect(try await failure("* | fields actor | top actor") { $0.tableRows = 29 } == .tooManyRows)
        #expect(try await failure("* | fields actor | top actor") { $0.tableRows = 30 } == nil)
        #expect(try await failure("needle") { $0.duration = .zero } == .queryTimedOut)
        // Where nobody waits, another limit counts.
        #expect(try await failure("needle", isInBackground: true) { $0.duration = .zero } == nil)
        #expect(try await failure("needle", isInBackground: true) { $0.backgroundDuration = .zero } == .queryTimedOut)
        #expect(SearchLimits().inBackground.parallelism == 1)
    }

    @Test("A cancelled search ends with a cancellation")
    func cancellation() async throws {
        let store = try SampleStore(Self.samples)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await store.search("treasure1")
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("Hits outside of the default window are counted up to a limit")
    func outside() async throws {
        let old = (1...30).map { Sample(UInt64($0), "2026-01-01T10:00:00Z", payload: "word") }
        var limits = SearchLimits()
        limits.outsideHits = 5
        let store = try SampleStore(old, limits: limits)
        let result = try await store.search("action:x OR word", since: nil)
        #expect(result.statistics.matched == 0)
        #expect((result.defaultedWindow?.hitsOutside ?? 0) > 5)
    }

    // MARK: Around the search

    @Test("An explanation names steps, times and bytes")
    func explanation() async throws {
        let store = try SampleStore(Self.samples)
        let result = try await store.search("source.name:open treasure4", SearchOptions(explains: true))
        let text = try #require(result.explanation)
        for part in ["query     source.name:open treasure4", "column source.name", "records", "bytes", "hits"] {
            #expect(text.contains(part), "\(part) in \(text)")
        }
        #expect(try await store.search("*").explanation == nil)
        #expect(result.statistics.scannedBytes > 0)
    }

    @Test("The plan names what decides, the reader's conditions among it, and tells nothing of what is hidden")
    func plan() async throws {
        let store = try SampleStore(Self.samples)
        let result = try await store.store.search(
            request(store, "action:api.* -outcome_reason:x treasure | stats count by action"),
            SearchOptions(explains: true))
        let text = try #require(result.explanation)
        for line in [
            "then column time and column source.name; without the fields of actor",
            "plan      query: column action and not index of tokens, then records: outcome_reason and index of tokens",
            "plan      then: groups by action, counted from columns",
        ] { #expect(text.contains(line), "\(line) in \(text)") }
        #expect(!text.contains("open") && !text.contains("secret"))
        let plain = try await store.search(
            "raw.hidden:* index:>3 | sort -time | limit 5 | fields actor", since: nil, SearchOptions(explains: true))
        for line in [
            "plan      window: bounds of segments and rows", "plan      scope: every event; all fields",
            "index of payload paths: raw.hidden", "leaf numbers", "plan      then: the first 5",
            "plan      then: table of actor",
        ] { #expect(plain.explanation?.contains(line) == true, "\(line) in \(plain.explanation ?? "")") }
    }

    @Test("Completion gives fields with their paths, and values by frequency")
    func completion() async throws {
        let store = try SampleStore(ContractEvents.all)
        let names = try await store.store.fields(store.request("*")).entries.map(\.name)
        for name in ["time", "action", "artifact.digest", "raw.requestObject.spec.hostNetwork", #"raw["a.b"].c"#] {
            #expect(names.contains(name), "\(name) in \(names)")
        }
        let actors = try await store.store.values(of: .alias(.actor), prefix: "OCTO", limit: 9, store.request("*"))
        #expect(actors.entries == [.init(value: "octocat", events: 3), .init(value: "OctoCat", events: 1)])
        let top = try await store.store.values(of: .field(.action), prefix: "", limit: 2, store.request("*"))
        #expect(top.entries == [.init(value: "token.create", events: 14), .init(value: "deploy.finish", events: 6)])
        let path = try await store.store.values(
            of: .raw(PayloadPath(["requestObject", "spec", "hostNetwork"])), prefix: "t", limit: 5, store.request("*"))
        #expect(path.entries == [.init(value: "true", events: 6)])
    }

    @Test("Completion reads so many groups of records at most, and says when these are not all")
    func scattered() async throws {
        let samples = (1...80).map { Sample(UInt64($0), "2026-11-01T10:00:00Z", payload: #"{"n":\#($0 % 2)}"#) }
        let store = try SampleStore(samples, segmentRows: 1)
        #expect(try await store.store.fields(store.request("*")).sampledEvents == 64)
        let path = FieldReference.raw(PayloadPath(["n"]))
        let some = try await store.store.values(of: path, prefix: "", limit: 5, store.request("*"))
        #expect(!some.isExact && some.entries.map(\.events).reduce(0, +) == 64)
        let dense = try SampleStore(samples, segmentRows: 40)
        let all = try await dense.store.values(of: path, prefix: "", limit: 5, dense.request("*"))
        #expect(
            all == ValueSummary(entries: [.init(value: "0", events: 40), .init(value: "1", events: 40)], isExact: true))
    }

    @Test("An empty store answers everything")
    func empty() async throws {
        let store = try SampleStore([])
        #expect(try await store.search("*").events.isEmpty)
        #expect(try await store.rows("* | stats count") == ["[0]"])
        #expect(try await store.search("word", since: nil).defaultedWindow?.hitsOutside == 0)
        #expect(try await store.store.fields(store.request("*")).entries.isEmpty)
    }
}
