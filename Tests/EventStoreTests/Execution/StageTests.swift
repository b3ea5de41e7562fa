import EventModel
import QueryLanguage
import Testing

@testable import EventStore

@Suite struct StageTests {
    private let store: SampleStore

    /// Twelve events, a minute apart: actors a, b and none in turn, sizes 1 to 12, one of them no number.
    init() throws {
        store = try SampleStore(
            (1...12).map { number in
                var fields: [(Field, String)] = [(.apiDuration, number == 12 ? "long" : "\(number)")]
                if number % 3 != 0 { fields.append((.actorName, number % 3 == 1 ? "a" : "B")) }
                return Sample(
                    UInt64(number), "2026-11-01T10:\(number + 10):00Z", fields,
                    payload: #"{"half":\#(Double(number) / 2),"tag":["t\#(number % 2)","all"]}"#)
            }, segmentRows: 5)
    }

    @Test("stats computes every aggregate exactly, over all events and over none")
    func aggregates() async throws {
        let aggregates =
            "count, dcount(actor), min(api.duration_ms), max(api.duration_ms), sum(api.duration_ms), avg(api.duration_ms), "
            + "p50(api.duration_ms), p95(api.duration_ms), p99(api.duration_ms), sum(raw.half), min(time), max(actor)"
        #expect(
            try await store.rows("* | stats \(aggregates)")
                == [#"[12,2,1,"long",66,6,6,11,11,39,"2026-11-01T10:11:00Z","a"]"#])
        #expect(
            try await store.rows("action:nothing | stats \(aggregates)")
                == ["[0,0,null,null,null,null,null,null,null,null,null,null]"])
        #expect(try await store.rows("action:nothing | stats count by actor").isEmpty)
    }

    @Test("Groups are exact and absent values are a group of stats, last, but none of top and rare")
    func groups() async throws {
        #expect(try await store.rows("* | stats count by actor") == [#"["B",4]"#, #"["a",4]"#, "[null,4]"])
        #expect(try await store.rows("* | top 5 actor") == [#"["B",4]"#, #"["a",4]"#])
        #expect(try await store.rows("* | rare 1 actor") == [#"["B",4]"#])
        #expect(
            try await store.rows("api.duration_ms:<=4 | stats count by actor,raw.tag")
                == [#"["B","t0",1]"#, #"["a","t0",1]"#, #"["a","t1",1]"#, #"[null,"t1",1]"#])
    }

    @Test("Events at the ends of time are in buckets that begin in time")
    func timechartAtTheEnds() async throws {
        let times = ["1678-01-01T00:00:00Z", "1969-12-31T23:59:59.5Z", "2261-12-31T23:59:59Z"]
        let samples = times.enumerated().map { Sample(UInt64($0.offset), $0.element, []) }
        let store = try SampleStore(samples, segmentRows: 2)
        let years = try await store.search("* | timechart span=365d count", since: "1678-01-01").rows.map(\.[0])
        let starts = [Timestamp(rawValue: .min)] + ["1969-01-01", "2261-10-22"].map(moment)
        #expect(years == starts.map { .time($0) })
        #expect(try await store.search("* | timechart count", since: "1678-01-01").rows.count == 3)
    }

    @Test("timechart aligns its buckets to the clock and chooses a readable width")
    func timechart() async throws {
        let chosen = try await store.search("time:2026-11-01 | timechart count")
        #expect(chosen.span == 900_000_000_000)
        #expect(
            chosen.rows == [
                [.time(moment("2026-11-01T10:00:00Z")), .integer(4)],
                [.time(moment("2026-11-01T10:15:00Z")), .integer(8)],
            ])
        #expect(
            try await store.rows("* | timechart span=1d sum(raw.half) by actor")
                == [
                    #"["2026-11-01T00:00:00Z","B",13]"#, #"["2026-11-01T00:00:00Z","a",11]"#,
                    #"["2026-11-01T00:00:00Z",null,15]"#,
                ])
    }

    @Test(
        "Events keep the order that was asked for, newest first by default",
        arguments: [
            ("* | limit 3", [12, 11, 10]), ("* | sort time | limit 3", [1, 2, 3]),
            ("* | sort -index | limit 2", [12, 11]),
            ("* | sort actor,-api.duration_ms | limit 5", [11, 8, 5, 2, 10]),
            ("* | sort -actor | limit 5", [10, 7, 4, 1, 11]), ("* | limit 4 | sort time", [9, 10, 11, 12]),
            ("* | limit 4 | where actor:a", [10]), ("* | dedup actor", [12, 11, 10, 9, 6, 3]),
            ("* | where actor:* | dedup actor | limit 1", [11]),
            ("* | where api.duration_ms:>9 | where actor:*", [11, 10]),
            ("* | sort -api.duration_ms | limit 2", [12, 11]),
        ] as [(String, [UInt64])])
    func order(query: String, expected: [UInt64]) async throws {
        #expect(try await store.indexes(query) == expected)
    }

    @Test("order=asc gives the oldest events first")
    func oldestFirst() async throws {
        let result = try await store.search("*", SearchOptions(limit: 3, order: .oldestFirst))
        #expect(result.events.map(\.index.rawValue) == [1, 2, 3])
    }

    @Test("Stages after a table work on its columns")
    func tables() async throws {
        #expect(
            try await store.rows(
                "* | fields actor,api.duration_ms | stats count, max(api.duration_ms) as most by actor | sort -most")
                == [#"[null,4,"long"]"#, #"["B",4,11]"#, #"["a",4,10]"#])
        #expect(try await store.rows("* | stats count by actor | where actor:b | fields -count") == [#"["B"]"#])
        #expect(try await store.rows("* | limit 6 | stats count") == ["[6]"])
        #expect(try await store.rows("* | limit 3 | top actor") == [#"["B",1]"#, #"["a",1]"#])
        #expect(try await store.rows("* | fields raw.tag,raw.half | limit 1") == [#"[["t0","all"],6]"#])
        #expect(try await store.rows("* | stats count by actor | dedup count | sort actor") == [#"["B",4]"#])
        #expect(try await store.rows("* | fields actor | where octo* OR a | top actor") == [#"["a",4]"#])
    }

    @Test("fields -NAME takes fields out of the events")
    func removal() async throws {
        let result = try await store.search("index:1 | fields -actor,time")
        let json = String(decoding: result.events[0].json, as: UTF8.self)
        #expect(result.kind == .events)
        #expect(json.contains("duration_ms") && !json.contains("actor") && !json.contains("\"time\""))
    }
}

struct CountingTests {
    @Test("Values that sort alike and are not the same come in one order, whichever segment is done first")
    func orderOfLookAlikes() async throws {
        let payloads = [#"{"v":true}"#, #"{"v":"true"}"#, #"{"v":10}"#, #"{"v":"10"}"#, #"{"v":"x"}"#, #"{"v":false}"#]
        let samples = (0..<24).map { number in
            Sample(
                UInt64(number), "2026-01-05T10:00:00Z", [(.actorName, "a")], payload: payloads[number % payloads.count])
        }
        for text in ["* | stats count by raw.v", "* | top 10 raw.v", "* | stats count by raw.v,actor"] {
            let first = try await SampleStore(samples, segmentRows: 4).rows(text)
            #expect(first.count == payloads.count)
            for _ in 0..<20 {
                #expect(try await SampleStore(samples, segmentRows: 4).rows(text) == first, "\(text)")
            }
        }
    }

    @Test("Counts and distinct values of whole segments are those of row by row", arguments: 1...4)
    func countingFromColumns(seed: Int) async throws {
        var random = RandomEvents(seed: UInt64(seed) + 4_000)
        let samples = (0..<150).map { _ in random.sample() }
        let indexed = try SampleStore(samples, segmentRows: 50)
        let plain = try SampleStore(samples, segmentRows: 50, isIndexed: false)
        for text in [
            "* | stats count by action", "* | stats dcount(repo) by action",
            "* | stats count, dcount(actor.id) by outcome",
            "* | stats dcount(raw.n) by raw.b", "* | stats count by raw.a", "* | stats count by raw.a.b",
            "outcome:* | stats dcount(resource.name) as n by source.kind", "* | top 5 raw.token",
            "* | stats dcount(action), min(repo), max(repo) by raw.b", "* | stats sum(raw.n) by targets.name",
        ] {
            #expect(try await indexed.rows(text) == plain.rows(text), "\(text)")
        }
    }

    @Test("top by a field is the beginning of its groups, however many values are added up", arguments: 1...4)
    func topValues(seed: Int) async throws {
        var random = RandomEvents(seed: UInt64(seed) + 6_000)
        let samples = (0..<150).map { _ in random.sample() }
        var few = SearchLimits()
        few.rankedCandidates = 0
        let stores = try [
            SampleStore(samples, segmentRows: 40), SampleStore(samples, segmentRows: 40, limits: few),
            SampleStore(samples, segmentRows: 40, isIndexed: false),
        ]
        for field in ["action", "actor.name", "vcs.repo", "targets.name", "source.kind", "api.status", "source"] {
            for filter in ["*", "outcome:*", "-action:push"] {
                let present = field == "source" ? "source.kind" : field
                let groups = "\(filter) | where \(present):* | stats count by \(field) | sort -count,\(field) | limit 4"
                let expected = try await stores[0].rows(groups)
                for store in stores {
                    #expect(try await store.rows("\(filter) | top 4 \(field)") == expected, "\(filter) \(field)")
                    #expect(
                        try await store.rows("\(filter) | top 4 \(field) | where count:>3 | stats count")
                            == [
                                "[\(expected.filter { Int($0.split(separator: ",").last?.dropLast() ?? "") ?? 0 > 3 }.count)]"
                            ])
                }
            }
        }
    }

    @Test("Values offered are counted over all segments, whatever the case of their beginning", arguments: 1...3)
    func offeredValues(seed: Int) async throws {
        var random = RandomEvents(seed: UInt64(seed) + 5_000)
        let samples = (0..<150).map { _ in random.sample() }
        let store = try SampleStore(samples, segmentRows: 40)
        for (field, prefix) in [("actor.name", ""), ("actor.name", "o"), ("targets.name", "g"), ("actor", "S")] {
            let query = try Query(parsing: "\(field):*", now: SampleStore.now)
            guard case .field(let reference, _) = query.filter else { continue }
            let found = try await store.store.values(
                of: reference, prefix: prefix, limit: 4, store.request("\(field):*"))
            // Bytes: strings that are equivalent are not the same value.
            var counts: [[UInt8]: Int] = [:]
            let fields: [Field] =
                if case .alias(let alias) = reference { alias.searched } else { [Field(path: field) ?? .actorName] }
            for sample in samples {
                for field in fields {
                    for value in Set(sample.fields.filter { $0.0 == field }.flatMap { $0.1.map { Array($0.utf8) } }) {
                        let text = String(decoding: value, as: UTF8.self).lowercased()
                        if text.hasPrefix(prefix.lowercased()) { counts[value, default: 0] += 1 }
                    }
                }
            }
            let expected = counts.sorted {
                $0.value != $1.value ? $0.value > $1.value : $0.key.lexicographicallyPrecedes($1.key)
            }.prefix(4)
            #expect(found.entries.map { Array($0.value.utf8) } == expected.map(\.key), "\(field) \(prefix)")
            #expect(found.entries.map(\.events) == expected.map(\.value), "\(field) \(prefix)")
        }
    }
}
