extension Stage {
    /// The canonical spelling, without the bar before it.
    package var canonical: String {
        switch self {
        case .filter(let filter): "where " + filter.canonical(escapingColons: true)
        case .stats(let aggregates, let by):
            "stats " + aggregates.map(\.canonical).joined(separator: ", ")
                + (by.isEmpty ? "" : " by " + Self.list(by))
        case .timechart(let timechart): timechart.canonical
        case .top(let count, let fields): "top \(count) " + Self.list(fields)
        case .rare(let count, let field): "rare \(count) " + field.canonical
        case .sort(let keys):
            "sort " + keys.map { ($0.isDescending ? "-" : "") + $0.field.canonical }.joined(separator: ",")
        case .limit(let count): "limit \(count)"
        case .keepFields(let fields): "fields " + Self.list(fields)
        case .removeFields(let fields): "fields -" + Self.list(fields)
        case .dedup(let field): "dedup " + field.canonical
        }
    }

    private static func list(_ fields: [FieldReference]) -> String {
        fields.map(\.canonical).joined(separator: ",")
    }
}

extension Timechart {
    package var canonical: String {
        var words = ["timechart"]
        if let span { words.append("span=" + span.text) }
        words.append(aggregate.canonical)
        if let by { words.append("by " + by.canonical) }
        return words.joined(separator: " ")
    }
}

extension Aggregate {
    package var canonical: String {
        let call = argument.map { "\(function.rawValue)(\($0.canonical))" } ?? function.rawValue
        return givenName.map { "\(call) as \($0)" } ?? call
    }
}

extension Query {
    /// The one spelling of this query: aliases, spaces, quotes and the order of signs as the language's documentation says.
    /// Parsing it gives this query, when `now` is the same.
    package var canonical: String {
        ([filter.canonical] + stages.map(\.canonical)).joined(separator: " | ")
    }
}
