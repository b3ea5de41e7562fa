import EventModel
import QueryLanguage
import Testing

@Suite("Completion")
struct QueryCompletionTests {
    private func complete(_ text: String) -> QueryCompletion { QueryCompletion(text, cursor: text.count) }

    @Test("The beginning of a name is completed with its colon, short names first")
    func fieldNames() {
        let completion = complete("outcome:failure -act")
        #expect(completion.expectation == .field)
        #expect(
            completion.candidates == [
                "actor:", "action:", "activity:", "actor.id:", "actor.name:", "actor.email:", "actor.type:",
                "actor.via:", "actor.credential:",
            ])
        #expect(completion.replaced == 17..<20)
    }

    @Test("Nothing typed offers every field")
    func allFields() {
        #expect(complete("").candidates.first == "actor:")
        #expect(complete("a (").candidates.count == complete("").candidates.count)
        #expect(complete("").candidates.contains("raw."))
    }

    @Test(
        "After a colon the value is asked for, without escapes, signs and quotes",
        arguments: [
            ("actor:ki", "ki", 6), ("-actor:ki", "ki", 7), ("actor:=ki", "ki", 7), ("actor:\"kim b", "kim b", 7),
            ("actor:a\\*", "a*", 6),
            ("actor:(kim OR bo", "bo", 14), ("a (b OR actor:", "", 14), ("user:x", "x", 5),
            ("actor:sha256:ab", "sha256:ab", 6),
            ("\"a | b\" actor:k", "k", 14), ("repo:/a|b/ actor:k", "k", 17),
        ])
    func values(text: String, prefix: String, start: Int) {
        let completion = complete(text)
        #expect(completion.expectation == .value(.alias(.actor), prefix: prefix))
        #expect(completion.replaced == start..<text.count)
    }

    @Test("Values of closed lists are offered")
    func closedValues() {
        #expect(complete("outcome:").candidates.count == 6)
        #expect(complete("outcome:de").candidates == ["denied"])
        #expect(complete("outcome:=F").candidates == ["failure"])
    }

    @Test("Paths and unfinished names are told apart")
    func paths() {
        #expect(complete("raw.a.b:x").expectation == .value(.raw(PayloadPath(["a", "b"])), prefix: "x"))
        #expect(complete("nofield:x").expectation == .nothing)
        #expect(complete("\"a phr").expectation == .nothing)
    }

    @Test(
        "Stages are completed by place",
        arguments: [
            ("a | ", .stage, ["where", "stats", "timechart", "top", "rare", "sort", "limit", "fields", "dedup"]),
            ("a | t", .stage, ["timechart", "top"]),
            ("a | stats d", .aggregate, ["dcount"]), ("a | stats count, m", .aggregate, ["min", "max"]),
            ("a | stats count by rep", .field, ["repo"]), ("a | stats dcount(pip", .field, ["pipeline"]),
            ("a | stats count as ", .nothing, []), ("a | timechart span=1h c", .aggregate, ["count"]),
            ("a | timechart span=", .nothing, []), ("a | top 10 pip", .field, ["pipeline"]),
            ("a | sort -pip", .field, ["pipeline"]), ("a | fields time,pip", .field, ["pipeline"]),
            ("a | limit ", .nothing, []),
            ("a | where pip", .field, ["pipeline:"]),
            ("a | stats count as n by repo | sort -", .field, ["repo", "n"]),
            ("a | stats count as n by repo | where ", .field, ["repo:", "n:"]),
        ] as [(String, QueryCompletion.Expectation, [String])])
    func stages(text: String, expectation: QueryCompletion.Expectation, candidates: [String]) {
        let completion = complete(text)
        #expect(completion.expectation == expectation)
        #expect(completion.candidates == candidates)
    }

    @Test("The cursor may stand anywhere, and beyond the text")
    func cursor() {
        #expect(QueryCompletion("actor:kim repo:x", cursor: 8).expectation == .value(.alias(.actor), prefix: "ki"))
        #expect(QueryCompletion("act", cursor: 99).replaced == 0..<3)
        #expect(QueryCompletion("act", cursor: -1).replaced == 0..<0)
    }
}
