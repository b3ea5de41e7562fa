import QueryLanguage
import Testing

@Suite("Limits")
struct QueryLimitsTests {
    private func expect(_ code: QueryError.Code, beyond atLimit: String, _ overLimit: String) throws {
        #expect(refusal(atLimit) == nil)
        #expect(try #require(refusal(overLimit)).code == code)
    }

    @Test("The text has at most 16 KiB")
    func length() throws {
        try expect(
            .tooLong, beyond: String(repeating: "a", count: QueryLimits.textLength),
            String(repeating: "a", count: QueryLimits.textLength + 1))
    }

    @Test("The canonical text has at most 16 KiB too, so that it can be parsed again")
    func canonicalLength() throws {
        let backslashes = String(repeating: "\\x", count: QueryLimits.textLength / 3)
        try expect(.tooLong, beyond: "\"a\\b\"", "\"\(backslashes)\" \(String(repeating: "a", count: 100))")
    }

    @Test("Parentheses and negations nest at most 64 levels")
    func depth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "(", count: depth) + "a" + String(repeating: ")", count: depth)
        }
        try expect(.tooDeep, beyond: nested(QueryLimits.nestingDepth), nested(QueryLimits.nestingDepth + 1))
        try expect(
            .tooDeep, beyond: String(repeating: "NOT ", count: QueryLimits.nestingDepth) + "a",
            String(repeating: "NOT ", count: QueryLimits.nestingDepth + 1) + "a")
    }

    @Test("A query has at most 1,000 terms, members of lists included")
    func terms() throws {
        func words(_ count: Int) -> String { (0..<count).map { "w\($0)" }.joined(separator: " ") }
        try expect(.tooMany, beyond: words(QueryLimits.terms), words(QueryLimits.terms + 1))
        let list = "actor:(" + (0..<QueryLimits.listMembers).map { "w\($0)" }.joined(separator: " OR ")
        try expect(.tooMany, beyond: list + ")", list + " OR more)")
    }

    @Test("A query has at most 32 regular expressions of at most 4 KiB and 2 MiB of memory")
    func regexes() throws {
        func regexes(_ count: Int) -> String { (0..<count).map { "actor:/a\($0)/" }.joined(separator: " ") }
        try expect(.tooMany, beyond: regexes(QueryLimits.regexes), regexes(QueryLimits.regexes + 1))
        func long(_ count: Int) -> String { "actor:/" + String(repeating: "a", count: count) + "/" }
        try expect(.tooLong, beyond: long(QueryLimits.regexLength), long(QueryLimits.regexLength + 1))
        let error = try #require(refusal("actor:/((\\pL{100}){100}){10}/"))
        #expect(error.code == .malformedRegex)
    }

    @Test("A pattern has at most 64 wildcards and 1,024 bytes")
    func globs() throws {
        func wildcards(_ count: Int) -> String { "actor:" + String(repeating: "a?", count: count) }
        try expect(
            .tooMany, beyond: wildcards(QueryLimits.globWildcards), wildcards(QueryLimits.globWildcards + 1))
        func pattern(_ count: Int) -> String { "actor:" + String(repeating: "a", count: count - 1) + "*" }
        try expect(.tooLong, beyond: pattern(QueryLimits.globLength), pattern(QueryLimits.globLength + 1))
    }

    @Test("A path has at most 64 segments")
    func segments() throws {
        func path(_ count: Int) -> String { "raw" + String(repeating: ".a", count: count) + ":x" }
        try expect(.tooMany, beyond: path(QueryLimits.pathSegments), path(QueryLimits.pathSegments + 1))
    }

    @Test("A query has at most 32 stages that name at most 32 fields each")
    func stages() throws {
        func stages(_ count: Int) -> String { "a" + String(repeating: " | limit 1", count: count) }
        try expect(.tooMany, beyond: stages(QueryLimits.stages), stages(QueryLimits.stages + 1))
        func fields(_ count: Int) -> String { "a | sort " + (0..<count).map { "raw.f\($0)" }.joined(separator: ",") }
        try expect(.tooMany, beyond: fields(QueryLimits.stageItems), fields(QueryLimits.stageItems + 1))
    }
}
