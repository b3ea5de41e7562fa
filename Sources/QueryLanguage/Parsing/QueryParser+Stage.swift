extension QueryParser {
    static let stageNames = [
        "where", "stats", "timechart", "top", "rare", "sort", "limit", "fields", "dedup",
    ]

    /// Reads a stage after its bar.
    mutating func stage() throws(QueryError) -> Stage {
        scanner.skipSpace()
        let start = scanner.position
        scanner.position = scanner.end { $0.properties.isAlphabetic || $0 == "_" }
        let range = start..<scanner.position
        guard !range.isEmpty else {
            throw scanner.error(
                .syntax, start..<start,
                "a stage is missing after the bar: one of \(Self.stageNames.joined(separator: ", "))")
        }
        let stage: Stage
        switch scanner.text(range).lowercased() {
        case "where": stage = .filter(try disjunction())
        case "stats": stage = try stats()
        case "timechart": stage = .timechart(try timechart(at: range))
        case "top": stage = .top(try rowCount(default: 10), try fieldList())
        case "rare": stage = .rare(try rowCount(default: 10), try fieldInStage())
        case "sort": stage = .sort(try sortKeys())
        case "limit", "head": stage = .limit(try requiredRowCount())
        case "fields": stage = try fields()
        case "dedup": stage = .dedup(try fieldInStage())
        default:
            throw scanner.error(
                .unknownStage, range,
                "there is no stage \(scanner.text(range)); there are \(Self.stageNames.joined(separator: ", "))",
                suggestion: NearestName.of(scanner.text(range), in: Self.stageNames + ["head"]))
        }
        try requireEnd(of: scanner.text(range).lowercased())
        return stage
    }

    private mutating func requireEnd(of name: String) throws(QueryError) {
        scanner.skipSpace()
        guard let next = scanner.next, next != "|" else { return }
        let start = scanner.position
        guard next != ")" else {
            throw scanner.error(.unbalancedParenthesis, start..<start + 1, "this parenthesis closes nothing")
        }
        let end = scanner.scalars[start...].indices.dropFirst().first(where: scanner.isBoundary)
        throw scanner.error(
            .syntax, start..<(end ?? scanner.scalars.count),
            "\(name) does not go on like this; a comma or a bar is missing")
    }

    // MARK: - Rows

    private mutating func rowCount(default count: Int) throws(QueryError) -> Int {
        scanner.skipSpace()
        guard let next = scanner.next, ("0"..."9").contains(next) else { return count }
        return try requiredRowCount()
    }

    private mutating func requiredRowCount() throws(QueryError) -> Int {
        scanner.skipSpace()
        let start = scanner.position
        scanner.position = scanner.end { !$0.properties.isWhitespace && $0 != "|" && $0 != ")" }
        let range = start..<scanner.position
        guard let count = Int(scanner.text(range)), (1...QueryLimits.rows).contains(count) else {
            throw scanner.error(
                range.isEmpty ? .syntax : .outOfRange, range, "a number from 1 to \(QueryLimits.rows) belongs here")
        }
        return count
    }

    private mutating func sortKeys() throws(QueryError) -> [SortKey] {
        var keys: [SortKey] = []
        repeat {
            scanner.skipSpace()
            let isDescending = scanner.take("-")
            keys.append(SortKey(try fieldInStage(), isDescending: isDescending))
            try requireItems(keys.count)
        } while takeComma()
        return keys
    }

    private mutating func fields() throws(QueryError) -> Stage {
        scanner.skipSpace()
        guard scanner.take("-") else { return .keepFields(try fieldList()) }
        return .removeFields(try fieldList(allowingMinus: true))
    }

    mutating func fieldList(allowingMinus: Bool = false) throws(QueryError) -> [FieldReference] {
        var fields = [try fieldInStage()]
        while takeComma() {
            scanner.skipSpace()
            if allowingMinus { _ = scanner.take("-") }
            fields.append(try fieldInStage())
            try requireItems(fields.count)
        }
        return fields
    }

    func requireItems(_ count: Int) throws(QueryError) {
        guard count <= QueryLimits.stageItems else {
            throw scanner.error(
                .tooMany, max(0, scanner.position - 1)..<scanner.position,
                "a stage names at most \(QueryLimits.stageItems) fields or aggregates")
        }
    }

    mutating func takeComma() -> Bool {
        var ahead = scanner
        ahead.skipSpace()
        guard ahead.take(",") else { return false }
        scanner = ahead
        return true
    }

    mutating func takeKeyword(_ keyword: String) -> Bool {
        var ahead = scanner
        ahead.skipSpace()
        let start = ahead.position
        ahead.position = ahead.end(where: FieldName.isNamePart)
        guard ahead.text(start..<ahead.position).lowercased() == keyword else { return false }
        scanner = ahead
        return true
    }
}
