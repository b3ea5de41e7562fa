package import EventModel

/// A query: which events, and what to make of them (contract, "Queries").
package struct Query: Hashable, Sendable {
    package let filter: Filter
    package let stages: [Stage]

    /// A query made by a program. The parts must be what the parser could have made: filters in normal form, columns that
    /// exist.
    package init(filter: Filter, stages: [Stage] = []) {
        self.filter = filter
        self.stages = stages
    }

    /// Reads a query. Relative times are resolved against `now` and keep their spelling.
    ///
    /// - Throws: ``QueryError`` with the place and, for misspelt names, the nearest right one.
    /// - Complexity: linear in the text, which ``QueryLimits/textLength`` bounds.
    package init(parsing text: String, now: Timestamp) throws(QueryError) {
        var parser = try QueryParser(text: text, now: now)
        self = try parser.query()
    }
}
