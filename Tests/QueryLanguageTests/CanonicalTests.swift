import EventModel
import QueryLanguage
import Testing

@Suite("Canonical text")
struct CanonicalTests {
    @Test(
        "The contract's examples are canonical as they stand",
        arguments: [
            "actor:octocat repo:acme/api time:>=2026-11-01",
            "action:repo.* -actor:*[bot]",
            "\"branch protection\" outcome:success",
            "action:(protected_branch.destroy OR repo.visibility_change)",
            "ip:10.0.0.0/8 -source:jenkins",
            "actor:/^svc-[a-z]+$/ outcome:failure",
            "artifact:sha256:9f2c*",
            "outcome:failure | top 10 actor",
            "env:prod action:deploy.* | timechart span=1h count by outcome",
            "action:token.create | stats count, dcount(ip) by actor | where count:>5 | sort -count",
            "source:github | rare 5 action",
            "time:>-24h outcome:denied | fields time,actor,action,resource | limit 50",
            "raw.requestObject.spec.hostNetwork:true",
        ])
    func contractExamples(text: String) throws { #expect(try parse(text).canonical == text) }

    @Test(
        "The benchmark's queries parse and print",
        arguments: [
            (
                "actor:=ada.adler3 time:2026-11-01T00:00:00Z..2026-11-02T00:00:00Z | fields time,source,action,resource,outcome",
                nil
            ),
            ("4b1cf0f4a1b2c3d4e5f60718293a4b5c6d7e8f904b1cf0f4a1b2c3d4e5f60718", nil),
            ("ip:198.51.100.0/24 | stats count", nil),
            ("action:protected_branch.* | top 10 actor", nil),
            ("repo:=acme-corp/web-ui | timechart span=1h count", nil),
            ("* | stats dcount(ip) as n by actor | sort -n,actor | limit 20", nil),
            (
                "time:>=2026-11-22T00:00:00.000Z -outcome:=success | stats count by raw.source",
                "time:>=2026-11-22T00:00:00Z -outcome:=success | stats count by raw.source"
            ),
            ("*mrigminer2*", "\"mrigminer2\""),
            ("raw.programmatic_access:* | stats count", nil),
            (
                "(raw.source:=github OR raw.source:=cloudtrail) -outcome:=success repo:=a/b -actor:=kim[bot] | stats count",
                nil
            ),
            ("artifact:=sha256:9f2c | sort -time | limit 100 | fields time,source,action,actor,resource,outcome", nil),
            ("* | stats count by raw.source", nil),
        ] as [(String, String?)])
    func benchmarkQueries(text: String, canonical: String?) throws {
        #expect(try parse(text).canonical == canonical ?? text)
    }

    @Test(
        "One meaning has one spelling",
        arguments: [
            ("", "*"), ("  ", "*"), ("| stats count", "* | stats count"),
            ("user:kim", "actor:kim"), ("created:>=2026-11-01", "time:>=2026-11-01"), ("a | head 5", "a | limit 5"),
            ("ACTOR:kim Outcome:*", "actor:kim outcome:*"),
            ("a AND b", "a b"), ("NOT a", "-a"), ("a (b c)", "a b c"), ("(a OR b) OR c", "a OR b OR c"),
            ("a OR b c", "a OR b c"), ("(a OR b) c", "(a OR b) c"), ("-(a b)", "-(a b)"), ("-(a)", "-a"),
            ("NOT NOT a", "a"), ("NOT -(NOT (a b)) c", "-(a b) c"), ("* a", "a"), ("-*", "-*"),
            ("actor:\"kim\"", "actor:kim"), ("actor:(kim)", "actor:kim"), ("actor:\"*\"", "actor:\"*\""),
            ("actor:a\\*b", "actor:\"a*b\""), ("actor:**", "actor:*"), ("actor:a*?b", "actor:a?*b"),
            ("actor:=a*", "actor:=\"a*\""), ("actor:\"\"", "actor:\"\""), ("actor:\"OR\"", "actor:\"OR\""),
            ("api.status:=200", "api.status:200"), ("api.status:007", "api.status:7"),
            ("api.status:200..299", "api.status:200..299"), ("api.status:200..", "api.status:>=200"),
            ("api.status:*..299", "api.status:<=299"), ("time:..2026-11-01", "time:<2026-11-01"),
            ("time:=-7d", "time:=-7d"), ("a | where ?x:y", "a | where ?x:y"), ("time:-7d", "time:>=-7d"),
            ("time:2026-11-01T10:00:00+02:00", "time:2026-11-01T08:00:00Z"),
            ("time:\"2026-11-01 10:00\"", "time:2026-11-01T10:00:00Z"), ("time:-2h..now", "time:-2h..now"),
            ("ip:10.1.2.3/8", "ip:10.0.0.0/8"), ("ip:::ffff:10.1.2.3", "ip:10.1.2.3"),
            ("ip:2001:DB8:0:0::1", "ip:2001:db8::1"), ("ip:2001:db8::/32", "ip:2001:db8::/32"),
            ("actor:/a\\/b|c d/", "actor:/a\\/b|c d/"), ("api:/v1/events", "api:\"/v1/events\""),
            ("raw.labels.app\\.name:x", "raw.labels[\"app.name\"]:x"),
            ("raw[\"odd key\"].b:x", "raw[\"odd key\"].b:x"), ("ext.a.b:x", "ext.a.b:x"),
            ("--privileged", "\\--privileged"), ("\\OR", "\\OR"), ("-", "\\-"),
            ("sha256:9f2c", "sha256:9f2c"), ("https://a.b/c", "https://a.b/c"), ("fe80::1", "fe80::1"),
            ("pkg:npm/a@1", "pkg:npm/a@1"), ("actor\\:kim", "\\actor:kim"), ("\\raw.a:b*c:d", "\\raw.a:b*c:d"),
            ("\\ext.\u{301}.a:b", "\\ext.\u{301}.a:b"), ("10:20", "10:20"),
            ("a | top actor", "a | top 10 actor"), ("a | fields -time,-actor", "a | fields -time,actor"),
            ("a | STATS Count() AS n BY user", "a | stats count as n by actor"),
            ("a|stats count by user|sort user", "a | stats count by actor | sort actor"),
            (
                "a | stats dcount(user) by repo | where dcount(actor):>2 | sort -dcount(actor)",
                "a | stats dcount(actor) by repo | where dcount(actor):>2 | sort -dcount(actor)"
            ),
            ("* | stats count by action | where https://x", "* | stats count by action | where \\https://x"),
        ])
    func normalizes(text: String, canonical: String) throws {
        #expect(try parse(text).canonical == canonical)
        #expect(try parse(canonical).canonical == canonical)
    }

    @Test("Lower-case and, or, not are words")
    func lowerCaseOperatorsAreWords() throws {
        #expect(
            try parse("a or b").filter == .and([.text(.word("a")), .text(.word("or")), .text(.word("b"))]))
    }

    @Test("Printing and parsing any query gives the same query", arguments: 0..<40)
    func roundTrip(seed: UInt64) throws {
        var generator = QueryGenerator(seed: seed)
        for _ in 0..<100 {
            let query = generator.query()
            let text = query.canonical
            do {
                let again = try parse(text)
                #expect(again == query, "\(text)")
                #expect(again.canonical == text)
            } catch {
                Issue.record("\(error) in \(text)")
            }
        }
    }
}
