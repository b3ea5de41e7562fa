import EventModel
import QueryLanguage

/// A stage that makes groups, and the order of its rows.
enum GroupStage: Sendable {
    /// Rows ascending by the by-fields, absent values last.
    case stats(Aggregation.Plan)
    /// As `stats`, with the start of the bucket first; nil leaves the span open.
    case timechart(Timechart)
    /// The most frequent combinations first, ties bytewise; events that lack one of the fields do not count.
    case top(Int, [FieldReference])
    case rare(Int, FieldReference)

    init?(_ stage: Stage) {
        switch stage {
        case .stats(let aggregates, let by):
            self = .stats(Aggregation.Plan(keys: by.map(Aggregation.Item.value), aggregates: aggregates))
        case .timechart(let timechart): self = .timechart(timechart)
        case .top(let count, let fields): self = .top(count, fields)
        case .rare(let count, let field): self = .rare(count, field)
        default: return nil
        }
    }

    /// What is gathered.
    /// - Parameter span: the width of a timechart's buckets.
    func plan(span: Int64) -> Aggregation.Plan {
        let count = [Aggregate(.count)]
        return switch self {
        case .stats(let plan): plan
        case .timechart(let chart):
            Aggregation.Plan(
                keys: [.bucket(span: span)] + (chart.by.map { [.value($0)] } ?? []), aggregates: [chart.aggregate])
        case .top(_, let fields): Aggregation.Plan(keys: fields.map(Aggregation.Item.value), aggregates: count)
        case .rare(_, let field): Aggregation.Plan(keys: [.value(field)], aggregates: count)
        }
    }

    /// Puts the groups' rows in this stage's order and cuts them.
    func arrange(_ rows: [[QueryValue]]) -> [[QueryValue]] {
        switch self {
        case .stats(let plan): Self.byKeys(rows, plan.keys.count)
        case .timechart(let chart): Self.byKeys(rows, chart.by == nil ? 1 : 2)
        case .top(let count, let fields): Self.byCount(rows, fields.count, count, isDescending: true)
        case .rare(let count, _): Self.byCount(rows, 1, count, isDescending: false)
        }
    }

    private static func byKeys(_ rows: [[QueryValue]], _ keys: Int) -> [[QueryValue]] {
        SortOrder(
            (0..<keys).map { key in SortOrder.Key(value: { rows[$0][key] }, isDescending: false) },
            tie: { precedesByKind(rows[$0], rows[$1], keys) }
        ).sorted(rows.count).map { rows[$0] }
    }

    /// Settles what sorts alike and is not the same, as `10` and `"10"`: the same rows come in the same order every time.
    private static func precedesByKind(_ left: [QueryValue], _ right: [QueryValue], _ keys: Int) -> Bool {
        for key in 0..<keys {
            var (first, second): ([UInt8], [UInt8]) = ([], [])
            ValueKey.append(left[key], to: &first)
            ValueKey.append(right[key], to: &second)
            if first != second { return first.lexicographicallyPrecedes(second) }
        }
        return false
    }

    private static func byCount(
        _ rows: [[QueryValue]], _ keys: Int, _ count: Int, isDescending: Bool
    ) -> [[QueryValue]] {
        let present = rows.filter { !$0[..<keys].contains(.absent) }
        let order = SortOrder(
            [.init(value: { present[$0][keys] }, isDescending: isDescending)],
            tie: { left, right in
                for key in 0..<keys {
                    let (one, other) = (present[left][key].text ?? "", present[right][key].text ?? "")
                    let order = one.utf8.bytewiseOrder(to: other.utf8)
                    if order != 0 { return order < 0 }
                }
                return precedesByKind(present[left], present[right], keys)
            }
        ).sorted(present.count, limit: count)
        return order.map { present[$0] }
    }
}

extension GroupStage {
    /// Widths that people read a clock by, in seconds.
    private static let spans: [Int64] = [
        1, 5, 10, 30, 60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000,
    ]
    /// A chart of more buckets than this shows no more.
    private static let maximumBuckets: Int64 = 100

    /// The width of a timechart's buckets that the query leaves open: the smallest readable one that cuts the window into
    /// at most a hundred.
    static func span(for window: ClosedRange<Int64>) -> Int64 {
        let (length, overflow) = window.upperBound.subtractingReportingOverflow(window.lowerBound)
        let seconds = overflow ? .max : length / 1_000_000_000
        return (spans.first { seconds / $0 < maximumBuckets } ?? spans[spans.count - 1]) * 1_000_000_000
    }
}
