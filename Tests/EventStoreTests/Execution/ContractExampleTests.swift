import EventModel
import QueryLanguage
import Testing

@testable import EventStore

/// The examples that the contract says must work, and the rules around them, against events made for them.
@Suite struct ContractExampleTests {
    private let store: SampleStore

    init() throws { store = try SampleStore(ContractEvents.all) }

    @Test(
        "The filter of each example finds exactly the events it means",
        arguments: [
            ("actor:octocat repo:acme/api time:>=2026-11-01", [5, 1]),
            ("action:repo.* -actor:*[bot]", [1, 2]),
            (#""branch protection" outcome:success"#, [6, 4]),
            ("action:(protected_branch.destroy OR repo.visibility_change)", [4, 3]),
            ("ip:10.0.0.0/8 -source:jenkins", [50, 21, 20, 18, 17, 15, 14, 12, 11, 4, 1]),
            ("actor:/^svc-[a-z]+$/ outcome:failure", [52, 20, 15, 10]),
            ("artifact:sha256:9f2c*", [20, 18, 16, 14, 12, 10]),
        ] as [(String, [UInt64])])
    func filters(query: String, expected: [UInt64]) async throws {
        #expect(try await store.indexes(query) == expected)
    }

    @Test("top counts the most frequent values")
    func top() async throws {
        #expect(
            try await store.rows("outcome:failure | top 10 actor")
                == [#"["svc-deploy",3]"#, #"["octocat",1]"#, #"["svc-1",1]"#, #"["svc-lower",1]"#])
    }

    @Test("timechart gives the hours that hold events, by outcome")
    func timechart() async throws {
        let result = try await store.search("env:prod action:deploy.* | timechart span=1h count by outcome")
        #expect(result.kind == .series)
        #expect(result.columns.map(\.name) == ["time", "outcome", "count"])
        #expect(result.span == 3_600_000_000_000)
        #expect(
            try await store.rows("env:prod action:deploy.* | timechart span=1h count by outcome") == [
                #"["2026-11-20T00:00:00Z","failure",1]"#, #"["2026-11-20T00:00:00Z","success",1]"#,
                #"["2026-11-20T01:00:00Z","success",1]"#, #"["2026-11-20T02:00:00Z","failure",1]"#,
                #"["2026-11-20T02:00:00Z","success",1]"#, #"["2026-11-20T03:00:00Z","success",1]"#,
                #"["2026-11-20T04:00:00Z","success",2]"#, #"["2026-11-20T05:00:00Z","failure",1]"#,
            ])
    }

    @Test("stats, where and sort work on each other's columns")
    func stats() async throws {
        let query = "action:token.create | stats count, dcount(ip) by actor | where count:>5 | sort -count"
        #expect(try await store.rows(query) == [#"["ana",7,3]"#, #"["ben",6,3]"#])
        #expect(try await store.search(query).columns.map(\.name) == ["actor", "count", "dcount(ip)"])
    }

    @Test("rare counts the least frequent values, and source:github means all kinds of GitHub")
    func rare() async throws {
        #expect(
            try await store.rows("source:github | rare 3 action")
                == [#"["protected_branch.destroy",1]"#, #"["protected_branch.destroyed",1]"#, #"["repo.create",1]"#])
    }

    @Test("fields makes a table of the named columns, newest event first")
    func fields() async throws {
        let query = "time:>-24h outcome:denied -source:custody | fields time,actor,action,resource | limit 50"
        let result = try await store.search(query)
        #expect(result.kind == .table)
        #expect(
            try await store.rows(query) == [
                #"["2026-11-23T11:30:00Z","svc-push","artifact.publish",null]"#,
                #"["2026-11-23T01:00:00Z","svc-merge","change.merge","r-1"]"#,
            ])
    }

    @Test(
        "Values, payload paths and words mean what the contract says",
        arguments: [
            // Whole values, whatever the case; exact ones heed it.
            ("actor:OCTOCAT", [5, 4, 1, 2]), ("actor:=octocat", [5, 1, 2]), ("actor:octo", []),
            // Hashes and digests by prefix, with and without algorithm.
            ("commit:9f2c", [50]), ("artifact:9f2c51", [20, 18, 16, 14, 12, 10]), ("artifact:acme/api", [54]),
            ("artifact:pkg:oci/acme-api@1.2", [54]), ("artifact:=sha256:9f2c", []),
            // Presence and absence.
            ("repo:* outcome:failure", [5]), ("-repo:* source:*github*", [6]),
            ("resource:*", [50, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30]),
            // Numbers, addresses, times.
            ("api.status:>=700", [21, 20]), ("api.status:300..400", [14, 13, 12]), ("ip:10.9.9.9", [50]),
            ("time:2026-11-22..2026-11-23", [51, 52]), ("time:2026-11-22", [51, 52]), ("index:50", [50]),
            // The payload: nesting, a dotted key, arrays, numbers, booleans, presence.
            ("raw.requestObject.spec.hostNetwork:true", [20, 18, 16, 14, 12, 10]),
            ("raw.requestObject.spec.replicas:>9", [21, 20]), ("raw.requestObject.spec.replicas:10", [20]),
            ("raw.a.b.c:x3", [13]), ("raw.items.name:b", [52]), ("raw.items:*", [52]), ("raw.nothing:*", []),
            ("raw.empty:*", []), ("raw.flag:TRUE", [52]), ("raw.n:10", [52]), ("-raw.org:* repo:acme/api", [5, 3, 2]),
            ("ext.ticket:ops-12", [50]), ("ext.ticket:*", [50]),
            // Words by token, parts and phrases by substring; payloads that are no JSON too.
            ("protection", [6, 5, 4]), ("protect", []), ("protect*", [6, 5, 4, 3].filter { $0 != 3 }),
            ("*rotectio*", [6, 5, 4]),
            ("\"no json\"", [51]), ("kelvin", [51]), ("\"Kelvin kelvin\"", [51]), ("OPS-12", [50]),
            // Words that stand in fields only.
            ("svc-merge", [50]), ("merge", [50]), ("mallory OR svc-push", [54, 6]),
            // A source by name, by kind, by the family of its kind.
            ("source:late", [51]), ("source:gitlab", [50]), ("source:=github", []), ("source:githubby", [6]),
        ] as [(String, [UInt64])])
    func semantics(query: String, expected: [UInt64]) async throws {
        #expect(try await store.indexes(query) == expected)
    }

    @Test("A query that names no time searches the last day, by event or receive time, and says so")
    func defaultWindow() async throws {
        let result = try await store.search("outcome:failure", since: nil)
        #expect(result.events.map(\.index.rawValue) == [51])
        #expect(result.defaultedWindow?.since == moment("2026-11-22T12:00:00Z"))
        #expect(result.defaultedWindow?.hitsOutside == nil)

        let nothing = try await store.search("actor:octocat", since: nil)
        #expect(nothing.events.isEmpty)
        #expect(nothing.statistics.matched == 0)
        #expect(nothing.defaultedWindow?.hitsOutside == 4)
        #expect(nothing.defaultedWindow?.hasMoreOutside == false)

        for named in [
            "outcome:failure time:*", "outcome:failure received:>=2000-01-01", "outcome:failure | where time:*",
        ] {
            let result = try await store.search(named, since: nil)
            #expect(result.defaultedWindow == nil)
            #expect(result.statistics.matched == 6)
        }
    }

    @Test("since and until cut what time: names, and until is excluded")
    func sinceUntil() async throws {
        let found = try await store.indexes(
            "time:>=2026-11-22", since: "2026-11-22T11:59:59Z", until: "2026-11-23T11:30:00Z")
        #expect(found == [53, 50, 51])
    }
}
