import EventModel

/// A recursive-descent parser for the grammar of the contract ("Queries"). One file for each part of the grammar extends it.
struct QueryParser {
    var scanner: QueryScanner
    let now: Timestamp
    /// What the stage being read works on; names are resolved against it.
    var shape = QueryShape.events
    var depth = 0
    private var terms = 0
    private var regexes = 0

    init(text: String, now: Timestamp) throws(QueryError) {
        self.now = now
        guard text.utf8.count <= QueryLimits.textLength else {
            throw QueryError(
                code: .tooLong, column: 1, length: 1,
                reason: "a query has at most \(QueryLimits.textLength) bytes, this one has \(text.utf8.count)",
                suggestion: nil)
        }
        scanner = QueryScanner(text)
    }

    /// query = [or] {"|" stage}
    mutating func query() throws(QueryError) -> Query {
        scanner.skipSpace()
        let filter: Filter = scanner.isAtEnd || scanner.next == "|" ? .all : try disjunction()
        var stages: [Stage] = []
        while scanner.take("|") {
            let start = scanner.position
            guard stages.count < QueryLimits.stages else {
                throw scanner.error(.tooMany, start - 1..<start, "a query has at most \(QueryLimits.stages) stages")
            }
            let stage = try stage()
            stages.append(stage)
            shape = shape.applying(stage)
            try requireColumns(from: start)
        }
        guard scanner.isAtEnd else {
            throw scanner.error(
                .unbalancedParenthesis, scanner.position..<scanner.position + 1, "this parenthesis closes nothing")
        }
        let query = Query(filter: filter, stages: stages)
        try requireCanonicalLength(of: query)
        return query
    }

    /// The canonical text can be longer than what was typed, and must be accepted in its turn. No spelling grows eightfold,
    /// so that short queries need no look.
    private func requireCanonicalLength(of query: Query) throws(QueryError) {
        guard scanner.scalars.count > QueryLimits.textLength / 8,
            query.canonical.utf8.count > QueryLimits.textLength
        else { return }
        throw scanner.error(
            .tooLong, 0..<scanner.scalars.count,
            "written out, a query has at most \(QueryLimits.textLength) bytes, and this one has more")
    }

    /// A table has a column at least, and no two of the same name.
    private func requireColumns(from start: Int) throws(QueryError) {
        var names: Set<String> = []
        for column in shape.columns ?? [] where !names.insert(column.name).inserted {
            throw scanner.error(
                .duplicateColumn, start..<scanner.position,
                "two columns would be called \(column.name): name one with as")
        }
        guard shape.columns?.isEmpty != true else {
            throw scanner.error(.outOfRange, start..<scanner.position, "no column would be left")
        }
    }

    // MARK: - Limits

    mutating func countTerm(at range: Range<Int>) throws(QueryError) {
        terms += 1
        guard terms <= QueryLimits.terms else {
            throw scanner.error(.tooMany, range, "a query has at most \(QueryLimits.terms) terms")
        }
    }

    mutating func countRegex(at range: Range<Int>) throws(QueryError) {
        regexes += 1
        guard regexes <= QueryLimits.regexes else {
            throw scanner.error(
                .tooMany, range, "a query has at most \(QueryLimits.regexes) regular expressions")
        }
    }

    mutating func enter(at position: Int) throws(QueryError) {
        depth += 1
        guard depth <= QueryLimits.nestingDepth else {
            throw scanner.error(
                .tooDeep, position..<position + 1, "a query nests at most \(QueryLimits.nestingDepth) levels")
        }
    }

    mutating func leave() { depth -= 1 }
}
