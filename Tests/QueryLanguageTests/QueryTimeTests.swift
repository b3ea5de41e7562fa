import EventModel
import QueryLanguage
import Testing

@Suite("What a query says about time")
struct QueryTimeTests {
    @Test(
        "Bounds are what the terms that must hold imply",
        arguments: [
            ("a", nil, nil, false),
            ("time:>=2026-11-01", "2026-11-01T00:00:00Z", nil, true),
            ("time:2026-11-01..2026-11-07 a", "2026-11-01T00:00:00Z", "2026-11-07T00:00:00Z", true),
            ("time:>2026-11-01 time:<2026-11-05", "2026-11-02T00:00:00Z", "2026-11-05T00:00:00Z", true),
            ("time:-24h", "2026-11-22T12:00:00Z", nil, true),
            ("created:<-1h", nil, "2026-11-23T11:00:00Z", true),
            ("time:(2026-11-01 OR 2026-11-03)", "2026-11-01T00:00:00Z", "2026-11-04T00:00:00Z", true),
            ("time:2026-11-01 OR time:2026-11-03", "2026-11-01T00:00:00Z", "2026-11-04T00:00:00Z", true),
            ("time:2026-11-01 OR a", nil, nil, true),
            ("-time:2026-11-01", nil, nil, true),
            ("time:*", nil, nil, true),
            ("received:>=2026-11-01", nil, nil, true),
            ("a | where time:>=2026-11-01 | where b", "2026-11-01T00:00:00Z", nil, true),
            ("a | limit 5 | where time:>=2026-11-01", nil, nil, false),
        ] as [(String, String?, String?, Bool)])
    func bounds(text: String, lower: String?, upper: String?, isMentioned: Bool) throws {
        let bounds = try parse(text).timeBounds
        #expect(bounds.time.lower?.text == lower)
        #expect(bounds.time.upper?.text == upper)
        #expect(bounds.isMentioned == isMentioned)
    }

    @Test("The receive time has bounds of its own")
    func received() throws {
        let bounds = try parse("received:>=2026-11-01 time:<2026-11-05").timeBounds
        #expect(bounds.received == TimeInterval(from: try moment("2026-11-01")))
        #expect(bounds.time == TimeInterval(to: try moment("2026-11-05")))
    }

    @Test("Since and until intersect the query's own bounds")
    func intersection() throws {
        let bounds = try parse("time:2026-11-01..2026-11-07").timeBounds.time
        let window = TimeInterval(from: try moment("2026-11-03"), to: try moment("2026-11-09"))
        #expect(
            bounds.intersection(window) == TimeInterval(from: try moment("2026-11-03"), to: try moment("2026-11-07")))
        #expect(bounds.intersection(.unbounded) == bounds)
        #expect(bounds.intersection(TimeInterval(from: try moment("2026-11-08"))).isEmpty)
    }

    @Test("The first where stages belong to the filter, later ones do not")
    func eventFilter() throws {
        let query = try parse("a | where b | where c OR d | limit 5 | where e")
        #expect(query.eventFilter.canonical == "a b (c OR d)")
        #expect(query.remainingStages.map(\.canonical) == ["limit 5", "where e"])
    }

    @Test(
        "Only a query that names custody's own events shows them",
        arguments: [
            ("*", false), ("a", false), ("source:custody", true), ("source:CUSTODY", true), ("source:=custody", true),
            ("source:*", true), ("source:* a", true), ("source:custody OR a", true), ("-source:custody", false),
            ("-(a source:custody)", false), ("source:cust*", false), ("source:(github OR custody)", true),
            ("source.name:custody", true), ("source.kind:custody", true), ("actor:custody", false),
            ("a | where source:custody", true), ("a | stats count by source | where source:custody", false),
        ])
    func ownAudit(text: String, isShown: Bool) throws { #expect(try parse(text).mayShowOwnAudit == isShown) }

    @Test("Relative times keep their spelling and know their moment")
    func relative() throws {
        let time = try #require(TimeLiteral(parsing: "-90m", now: noon))
        #expect(time.start.text == "2026-11-23T10:30:00Z")
        #expect(time.text == "-90m" && time.isRelative)
        for text in ["-", "-1", "-1y", "-1h30m", "-99999999999999w", "90m", "+1h", "2026", ""] {
            #expect(TimeLiteral(parsing: text, now: noon) == nil)
        }
    }
}
