/// A step of the pipe after the filter.
package enum Stage: Hashable, Sendable {
    /// `where …`: keeps what the filter holds for.
    case filter(Filter)
    /// `stats count, dcount(ip) by actor`: one row for each combination of values of the by-fields.
    case stats([Aggregate], by: [FieldReference])
    /// `timechart span=1h count by outcome`: one row for each span of time, and value of the by-field.
    case timechart(Timechart)
    /// `top 10 actor`: the most frequent combinations of values with their `count`, ties by value bytewise.
    case top(Int, [FieldReference])
    /// `rare 5 action`: the least frequent values with their `count`, ties by value bytewise.
    case rare(Int, FieldReference)
    /// `sort -count,actor`: absent values last, whatever the direction.
    case sort([SortKey])
    /// `limit 50`.
    case limit(Int)
    /// `fields time,actor`: a table of these columns.
    case keepFields([FieldReference])
    /// `fields -agent`: everything but these.
    case removeFields([FieldReference])
    /// `dedup actor`: the first of each value, in the order so far; what has no value is kept.
    case dedup(FieldReference)
}

package struct SortKey: Hashable, Sendable {
    package let field: FieldReference
    package let isDescending: Bool

    package init(_ field: FieldReference, isDescending: Bool) {
        self.field = field
        self.isDescending = isDescending
    }
}

package struct Timechart: Hashable, Sendable {
    /// The width of the buckets, which are aligned to the Unix epoch in UTC; nil leaves it to the executor.
    package let span: QueryDuration?
    package let aggregate: Aggregate
    package let by: FieldReference?

    package init(span: QueryDuration?, aggregate: Aggregate, by: FieldReference?) {
        self.span = span
        self.aggregate = aggregate
        self.by = by
    }
}

package enum AggregateFunction: String, CaseIterable, Hashable, Sendable {
    case count, dcount, min, max, sum, avg, p50, p95, p99
}

/// `dcount(ip) as addresses`.
package struct Aggregate: Hashable, Sendable {
    package let function: AggregateFunction
    /// Absent exactly for `count`.
    package let argument: FieldReference?
    /// The name given by `as`.
    package let givenName: String?

    package init(_ function: AggregateFunction, _ argument: FieldReference? = nil, as givenName: String? = nil) {
        self.function = function
        self.argument = argument
        self.givenName = givenName
    }

    /// The name of its column: the given one, or the text of the call, as `count` or `dcount(ip)`.
    package var columnName: String {
        if let givenName { return givenName }
        guard let argument else { return function.rawValue }
        return "\(function.rawValue)(\(argument.canonical))"
    }
}
