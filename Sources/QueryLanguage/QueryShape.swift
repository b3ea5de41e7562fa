import EventModel

/// One column of a table.
package struct QueryColumn: Hashable, Sendable {
    package let name: String
    package let type: ValueType

    package init(_ name: String, _ type: ValueType) {
        self.name = name
        self.type = type
    }
}

/// What flows between two stages, and what the whole query answers with.
package enum QueryShape: Hashable, Sendable {
    case events
    case table([QueryColumn])
    /// A table whose first column is the start of each span of time.
    case series([QueryColumn])

    /// Nil for events.
    package var columns: [QueryColumn]? {
        switch self {
        case .events: nil
        case .table(let columns), .series(let columns): columns
        }
    }

    /// What the reference's values mean here.
    package func type(of reference: FieldReference) -> ValueType {
        guard case .column(let name) = reference else { return reference.type }
        return columns?.first { $0.name == name }?.type ?? .untyped
    }

    /// What comes out of a stage when this goes in. The stage must fit, as the parser checks.
    package func applying(_ stage: Stage) -> QueryShape {
        switch stage {
        case .filter, .sort, .limit, .dedup: return self
        case .stats(let aggregates, let by):
            return .table(by.map(column) + aggregates.map(column))
        case .timechart(let timechart):
            return .series(
                [QueryColumn(Field.time.path, .time)] + (timechart.by.map { [column($0)] } ?? [])
                    + [column(timechart.aggregate)])
        case .top(_, let fields): return .table(fields.map(column) + [QueryColumn("count", .number)])
        case .rare(_, let field): return .table([column(field), QueryColumn("count", .number)])
        case .keepFields(let fields): return .table(fields.map(column))
        case .removeFields(let fields): return removing(fields)
        }
    }

    private func removing(_ fields: [FieldReference]) -> QueryShape {
        let names = Set(fields.map(\.name))
        switch self {
        case .events: return .events
        case .table(let columns): return .table(columns.filter { !names.contains($0.name) })
        case .series(let columns):
            let kept = columns.filter { !names.contains($0.name) }
            return kept.first == columns.first ? .series(kept) : .table(kept)
        }
    }

    private func column(_ reference: FieldReference) -> QueryColumn {
        QueryColumn(reference.name, type(of: reference))
    }

    private func column(_ aggregate: Aggregate) -> QueryColumn {
        switch aggregate.function {
        case .min, .max:
            QueryColumn(aggregate.columnName, aggregate.argument.map(type) ?? .untyped)
        case .count, .dcount, .sum, .avg, .p50, .p95, .p99:
            QueryColumn(aggregate.columnName, .number)
        }
    }
}

extension Query {
    /// What goes into the stage at an index; at the end, what the query answers with.
    package func shape(before index: Int) -> QueryShape {
        stages.prefix(index).reduce(.events) { $0.applying($1) }
    }

    /// What the query answers with.
    package var shape: QueryShape { shape(before: stages.count) }
}
