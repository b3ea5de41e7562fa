extension QueryParser {
    /// stats agg{,agg} [by f{,f}]
    mutating func stats() throws(QueryError) -> Stage {
        var aggregates = [try aggregate()]
        while takeComma() {
            aggregates.append(try aggregate())
            try requireItems(aggregates.count)
        }
        return .stats(aggregates, by: takeKeyword("by") ? try fieldList() : [])
    }

    /// timechart [span=d] agg [by f]
    mutating func timechart(at name: Range<Int>) throws(QueryError) -> Timechart {
        guard case .events = shape else {
            throw scanner.error(
                .typeMismatch, name, "timechart works on events, and a stage before it has made a table of them")
        }
        let span = try takeSpan()
        let aggregate = try aggregate()
        let by: FieldReference? = takeKeyword("by") ? try fieldInStage() : nil
        return Timechart(span: span, aggregate: aggregate, by: by)
    }

    private mutating func takeSpan() throws(QueryError) -> QueryDuration? {
        scanner.skipSpace()
        guard scanner.take("span=") else { return nil }
        let start = scanner.position
        scanner.position = scanner.end { !$0.properties.isWhitespace && $0 != "|" }
        let range = start..<scanner.position
        guard let span = QueryDuration(parsing: scanner.text(range)), span.amount > 0 else {
            throw scanner.error(
                range.isEmpty ? .emptyValue : .malformedTime, range,
                "a span is a number and a unit, as 15m or 1h (s, m, h, d, w)")
        }
        return span
    }

    /// agg = count | dcount(f) | min(f) | …, each with [as name]
    private mutating func aggregate() throws(QueryError) -> Aggregate {
        scanner.skipSpace()
        let start = scanner.position
        scanner.position = scanner.end(where: FieldName.isNamePart)
        let range = start..<scanner.position
        let names = AggregateFunction.allCases.map(\.rawValue)
        guard !range.isEmpty else {
            throw scanner.error(
                .syntax, start..<start, "an aggregate is missing here: one of \(names.joined(separator: ", "))")
        }
        let name = scanner.text(range)
        guard let function = AggregateFunction(rawValue: name.lowercased()) else {
            throw scanner.error(
                .unknownAggregate, range, "there is no aggregate \(name); there are \(names.joined(separator: ", "))",
                suggestion: NearestName.of(name, in: names))
        }
        let argument = try argument(of: function, at: range)
        return Aggregate(function, argument, as: takeKeyword("as") ? try givenName() : nil)
    }

    private mutating func argument(
        of function: AggregateFunction, at name: Range<Int>
    ) throws(QueryError) -> FieldReference? {
        let open = scanner.position
        guard scanner.take("(") else {
            guard function == .count else {
                throw scanner.error(.syntax, name, "\(function.rawValue) needs a field, as \(function.rawValue)(ip)")
            }
            return nil
        }
        scanner.skipSpace()
        if function == .count {
            guard scanner.take(")") else {
                throw scanner.error(
                    .syntax, open..<scanner.position + 1, "count takes no field; filter with f:* before it")
            }
            return nil
        }
        let start = scanner.position
        let argument = try fieldInStage()
        try requireSensible(function, argument, at: start..<scanner.position)
        scanner.skipSpace()
        guard scanner.take(")") else {
            throw scanner.error(.unbalancedParenthesis, open..<open + 1, "this parenthesis is never closed")
        }
        return argument
    }

    private func requireSensible(
        _ function: AggregateFunction, _ argument: FieldReference, at range: Range<Int>
    ) throws(QueryError) {
        switch function {
        case .count, .dcount, .min, .max: return
        case .sum, .avg, .p50, .p95, .p99:
            let type = shape.type(of: argument)
            guard type == .number || type == .untyped else {
                throw scanner.error(
                    .typeMismatch, range, "\(function.rawValue) needs numbers, and \(argument.canonical) holds none")
            }
        }
    }

    private mutating func givenName() throws(QueryError) -> String {
        scanner.skipSpace()
        let start = scanner.position
        scanner.position = scanner.end { !$0.properties.isWhitespace && $0 != "," && $0 != "|" && $0 != ")" }
        let range = start..<scanner.position
        let name = scanner.text(range)
        let isName =
            name.unicodeScalars.first.map(FieldName.isNameStart) ?? false
            && name.unicodeScalars.allSatisfy { FieldName.isNamePart($0) && $0 != "." && $0 != "-" }
        guard isName, name.utf8.count <= 64 else {
            throw scanner.error(
                .syntax, range, "a column's name has up to 64 letters, digits and _, and begins with no digit")
        }
        return name
    }
}
