import EventModel
import EventStore
import QueryLanguage

/// Events by time, those that failed or were refused apart.
struct SearchHistogram {
    /// What is counted.
    static func query(_ query: Query) -> Query {
        Query(
            filter: query.eventFilter,
            stages: [.timechart(Timechart(span: nil, aggregate: Aggregate(.count), by: .field(.outcome)))])
    }

    /// The height of the picture, in its own units; the width is a unit a bucket.
    static let height = 100.0
    /// Buckets shown; the store makes about a hundred. Events with times far apart would make more: the newest are shown.
    static let maximumBuckets: Int64 = 200

    private struct Bucket {
        var total: Int64 = 0
        var bad: Int64 = 0
    }

    private let span: Int64
    private var buckets: [Int64: Bucket] = [:]

    /// nil when there is nothing to draw.
    init?(_ result: QueryResult) {
        guard let span = result.span, span > 0, !result.rows.isEmpty else { return nil }
        self.span = span
        for row in result.rows {
            guard row.count == 3, case .time(let time) = row[0], case .integer(let count) = row[2] else { continue }
            let outcome = row[1].text
            buckets[time.nanoseconds, default: Bucket()].total += count
            if outcome == "failure" || outcome == "denied" { buckets[time.nanoseconds]?.bad += count }
        }
        if buckets.isEmpty { return nil }
    }

    func data(_ ask: SearchAsk, now: Timestamp) -> PageData {
        let last = buckets.keys.max() ?? 0
        let earliest = Timestamp(nanoseconds: last).advanced(byNanoseconds: -(Self.maximumBuckets - 1) * span)
        let first = max(buckets.keys.min() ?? 0, earliest.nanoseconds)
        let highest = buckets.filter { $0.key >= first }.values.map(\.total).max() ?? 1
        var bars: [PageData] = []
        for (place, start) in stride(from: first, through: last, by: Int(span)).enumerated() {
            let bucket = buckets[start] ?? Bucket()
            guard bucket.total > 0 else { continue }
            let from = Timestamp(nanoseconds: start)
            let to = from.advanced(byNanoseconds: span)
            // A single event among thousands is still seen.
            let height = max(2, Self.height * Double(bucket.total) / Double(highest))
            let bad = bucket.bad == 0 ? 0 : max(2, Self.height * Double(bucket.bad) / Double(highest))
            bars.append(
                .of([
                    "x": place, "y": Self.number(Self.height - height), "height": Self.number(height),
                    "bad": bad == 0
                        ? nil : ["y": Self.number(Self.height - bad), "height": Self.number(bad)] as PageData,
                    "path": ask.path(since: from.text, until: to.text), "from": from.text, "to": to.text,
                    "label": Self.label(from, to, bucket.total, bucket.bad), "tab": bars.isEmpty ? "0" : "-1",
                    "time": PageTime.text(from), "total": PageNumber.text(bucket.total),
                    "failed": PageNumber.text(bucket.bad),
                ]))
        }
        let width = (last - first) / span + 1
        let end = Timestamp(nanoseconds: last).advanced(byNanoseconds: span)
        return [
            "bars": bars, "width": width, "height": Int(Self.height),
            "first": PageTime.text(Timestamp(nanoseconds: first)),
            "last": PageTime.text(end), "from": Timestamp(nanoseconds: first).text,
            "span_seconds": span / 1_000_000_000, "span": PageTime.duration(span / 1_000_000_000),
            "highest": PageNumber.text(highest),
        ]
    }

    private static func label(_ from: Timestamp, _ to: Timestamp, _ total: Int64, _ bad: Int64) -> String {
        let events = PageTime.count(total, "event")
        return "\(PageTime.text(from)) to \(PageTime.text(to)): \(events)"
            + (bad > 0 ? ", \(PageNumber.text(bad)) failed or denied" : "")
    }

    /// Two decimals: pictures need no more.
    private static func number(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
