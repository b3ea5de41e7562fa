import QueryLanguage
import Testing

@Suite("What a query answers with")
struct QueryShapeTests {
    private func columns(_ text: String) throws -> String? {
        try parse(text).shape.columns?.map { "\($0.name):\($0.type)" }.joined(separator: " ")
    }

    @Test("Events stay events through filters, sorts, limits and removed fields")
    func events() throws {
        #expect(try parse("a | where b | sort -time | dedup actor | fields -agent | limit 5").shape == .events)
    }

    @Test("A table has the by-fields, then the aggregates")
    func tables() throws {
        #expect(
            try columns("a | stats count, dcount(ip) as n, max(time), avg(raw.x) by actor,ip")
                == "actor:text ip:address count:number n:number max(time):time avg(raw.x):number")
        #expect(try columns("a | top 3 actor,action") == "actor:text action:text count:number")
        #expect(try columns("a | rare ip") == "ip:address count:number")
        #expect(try columns("a | fields time,user,raw.x") == "time:time actor:text raw.x:untyped")
        #expect(try columns("a | stats count, sum(raw.x) as s by repo | fields -count") == "repo:text s:number")
        #expect(try columns("a | stats count by repo | stats max(count) as most") == "most:number")
    }

    @Test("A series begins with the time")
    func series() throws {
        let shape = try parse("a | timechart span=1h count by outcome | limit 5").shape
        guard case .series(let columns) = shape else { throw NoSeries() }
        #expect(columns.map(\.name) == ["time", "outcome", "count"])
        guard case .table = try parse("a | timechart count | fields count").shape else { throw NoSeries() }
    }

    private struct NoSeries: Error {}

    @Test("Terms after a stage are typed by its columns")
    func columnTypes() throws {
        let query = try parse("a | stats count as n, max(time) as last by ip | where n:>5 last:>-1h ip:10.0.0.0/8")
        #expect(query.canonical.hasSuffix("where n:>5 last:>-1h ip:10.0.0.0/8"))
        #expect(refusal("a | stats count as n by ip | where n:many")?.code == .malformedNumber)
    }
}
