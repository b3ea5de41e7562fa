import QueryLanguage
import Testing

@Suite("Errors in place")
struct QueryErrorTests {
    struct Case: CustomTestStringConvertible {
        let text: String
        let code: QueryError.Code
        let column: Int
        let length: Int
        var suggestion: String?
        var testDescription: String { text }

        init(_ text: String, _ code: QueryError.Code, _ column: Int, _ length: Int, _ suggestion: String? = nil) {
            self.text = text
            self.code = code
            self.column = column
            self.length = length
            self.suggestion = suggestion
        }
    }

    @Test(
        "Each mistake has its code, its column, its length and, for names, the nearest right one",
        arguments: [
            Case("actr:kim", .unknownField, 1, 4, "actor"),
            Case("a actor.nmae:kim", .unknownField, 3, 10, "actor.name"),
            Case("repository:x", .unknownField, 1, 10, "repo"),
            Case("zzzzzz:x", .unknownField, 1, 6),
            Case("raw:x", .unknownField, 1, 3),
            Case("raw.items[0].name:x", .syntax, 1, 10),
            Case("raw.:x", .syntax, 1, 4),
            Case("a | stats count | fields -count", .outOfRange, 18, 14),
            Case("ext:x", .unknownField, 1, 3),
            Case("é actr:kim", .unknownField, 3, 4, "actor"),
            Case("🧪 actr:kim", .unknownField, 3, 4, "actor"),
            Case("actor:", .emptyValue, 7, 1),
            Case("actor: kim", .emptyValue, 7, 1),
            Case("actor:=", .emptyValue, 8, 1),
            Case("time:>", .emptyValue, 7, 1),
            Case("\"\"", .emptyValue, 1, 2),
            Case("actor:()", .emptyValue, 8, 1),
            Case("(a b", .unbalancedParenthesis, 1, 1),
            Case("a b)", .unbalancedParenthesis, 4, 1),
            Case(")", .unbalancedParenthesis, 1, 1),
            Case("()", .syntax, 2, 1),
            Case("actor:(a OR b", .unbalancedParenthesis, 7, 1),
            Case("actor:(a b)", .syntax, 10, 1),
            Case("actor:((a))", .syntax, 8, 1),
            Case("a \"b", .unterminatedQuote, 3, 1),
            Case("actor:\"b", .unterminatedQuote, 7, 1),
            Case("a\"b\"", .syntax, 2, 1),
            Case("\"a\"b", .syntax, 4, 1),
            Case("a(b)", .syntax, 2, 1),
            Case("a\\", .syntax, 2, 1),
            Case("OR a", .syntax, 1, 2),
            Case("a OR", .syntax, 5, 1),
            Case("a AND", .syntax, 6, 1),
            Case("a OR OR b", .syntax, 6, 2),
            Case("NOT", .syntax, 4, 1),
            Case("-OR", .syntax, 2, 2),
            Case("actor:/(/", .malformedRegex, 7, 3),
            Case("actor:/a**/", .malformedRegex, 7, 5),
            Case("ip:10.0.0.0/33", .malformedAddress, 4, 11),
            Case("ip:10.0.0.256", .malformedAddress, 4, 10),
            Case("ip:host", .malformedAddress, 4, 4),
            Case("ip:10.0.0.9..10.0.0.1", .outOfRange, 4, 18),
            Case("time:yesterday", .malformedTime, 6, 9),
            Case("time:>2026-13-01", .malformedTime, 7, 10),
            Case("time:2026-11-02..2026-11-01", .outOfRange, 6, 22),
            Case("time:2026-11-01..x", .malformedTime, 18, 1),
            Case("time:/x/", .typeMismatch, 6, 3),
            Case("time:2026-*", .typeMismatch, 6, 6),
            Case("api.status:ok", .malformedNumber, 12, 2),
            Case("actor:>kim", .typeMismatch, 8, 3),
            Case("raw.a:>b", .typeMismatch, 8, 1),
            Case("a | ", .syntax, 5, 1),
            Case("a | statz count", .unknownStage, 5, 5, "stats"),
            Case("a | stats cuont", .unknownAggregate, 11, 5, "count"),
            Case("a | stats", .syntax, 10, 1),
            Case("a | stats count by", .syntax, 19, 1),
            Case("a | stats count by actr", .unknownField, 20, 4, "actor"),
            Case("a | stats dcount", .syntax, 11, 6),
            Case("a | stats count(ip)", .syntax, 16, 2),
            Case("a | stats dcount(ip", .unbalancedParenthesis, 17, 1),
            Case("a | stats sum(actor)", .typeMismatch, 15, 5),
            Case("a | stats avg(time)", .typeMismatch, 15, 4),
            Case("a | stats count as 1n", .syntax, 20, 2),
            Case("a | stats count, count", .duplicateColumn, 4, 19),
            Case("a | stats count count", .syntax, 17, 5),
            Case("a | stats count | where actor:x", .unknownColumn, 25, 5),
            Case("a | stats count as total | sort -totl", .unknownColumn, 34, 4, "total"),
            Case("a | fields time | timechart count", .typeMismatch, 19, 9),
            Case("a | timechart span=1y count", .malformedTime, 20, 2),
            Case("a | timechart span=0h count", .malformedTime, 20, 2),
            Case("a | limit 0", .outOfRange, 11, 1),
            Case("a | limit 10001", .outOfRange, 11, 5),
            Case("a | limit", .syntax, 10, 1),
            Case("a | rare 5 actor,ip", .syntax, 17, 3),
            Case("a | sort", .syntax, 9, 1),
            Case("a | where", .syntax, 10, 1),
            Case("a | limit 5)", .unbalancedParenthesis, 12, 1),
        ])
    func refuses(example: Case) throws {
        let error = try #require(refusal(example.text))
        #expect(error.code == example.code, "\(error)")
        #expect(error.column == example.column, "\(error)")
        #expect(error.length == example.length, "\(error)")
        #expect(error.suggestion == example.suggestion, "\(error)")
        #expect(!error.reason.hasSuffix("."))
    }

    @Test("RE2's own words say what is wrong with an expression")
    func regexReason() throws {
        #expect(try #require(refusal("actor:/(/")).reason == "regular expression: missing ): (")
    }

    @Test("An error reads as a sentence with its place and the nearest name")
    func description() throws {
        #expect(
            try #require(refusal("actr:kim")).description
                == "column 1: there is no field actr; quote the term to search for its text; did you mean actor?")
    }
}
