/// What a query may cost before it is even run. Queries are input from outside: each bound keeps parsing, printing and
/// planning cheap whatever is typed, and each has an error of its own.
package enum QueryLimits {
    /// Bytes of query text: far above what people type, room for rules and lists that programs write.
    package static let textLength = 16 * 1024
    /// Nested parentheses and negations: the parser and every consumer of the tree recurse.
    package static let nestingDepth = 64
    /// Terms (words, phrases, field comparisons, list members) in the whole query.
    package static let terms = 1_000
    /// Members of one list `f:(a OR b …)`.
    package static let listMembers = 1_000
    /// Regular expressions in the whole query: each may use ``regexMemory``.
    package static let regexes = 32
    /// Bytes of one regular expression.
    package static let regexLength = 4 * 1024
    /// Bytes RE2 may use for one expression's program and automata.
    package static let regexMemory = 2 * 1024 * 1024
    /// Bytes of one pattern with wildcards.
    package static let globLength = 1_024
    /// Wildcards of one pattern: each `?` is work at every place of a value.
    package static let globWildcards = 64
    /// Segments of a `raw.PATH`: payloads themselves nest no deeper.
    package static let pathSegments = 64
    /// Stages of the pipe.
    package static let stages = 32
    /// Fields or aggregates that one stage names.
    package static let stageItems = 32
    /// Rows that `limit`, `top` and `rare` may ask for; beyond that there is the cursor.
    package static let rows = 10_000
}
