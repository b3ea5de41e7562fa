import EventModel
import QueryLanguage

/// Says in plain text how a search was planned and run: for whoever wonders why it took so long. Steps that two threads took
/// at the same time add up to more than the whole took.
///
/// Times and bytes only: how many rows a step left would tell of events outside of the reader's scope.
enum Explanation {
    /// - Parameter reading: which reading was searched, when some events were read again.
    static func text(
        _ plan: QueryPlan, _ result: QueryResult, _ meter: QueryMeter, reading: SearchOptions.Reading?
    ) -> String? {
        guard let steps = meter.recordedSteps else { return nil }
        let statistics = result.statistics
        var lines = ["query     \(result.canonical)"]
        if let window = result.defaultedWindow {
            lines.append("window    \(window.since.text) to \(window.until.text), because the query names no time")
        }
        lines.append("order     \(plan.order.isOldestFirst ? "oldest" : "newest") first")
        switch reading {
        case .current: lines.append("reading   as events read now, where their source was read again")
        case .sealed: lines.append("reading   as events were sealed, whatever they read like now")
        case nil: break
        }
        lines += PlanDescription.lines(plan)
        lines.append(
            "segments  \(statistics.segmentsRead) of \(statistics.segments); the others are outside of its time")
        for step in steps {
            let times = step.times <= 1 ? "once" : "\(step.times) times"
            lines.append("step      \(step.name): \(milliseconds(step.nanoseconds)) ms, \(step.bytes) bytes, \(times)")
        }
        lines.append(
            "total     \(milliseconds(statistics.tookNanoseconds)) ms, \(statistics.scannedBytes) bytes, "
                + "\(statistics.exact ? "" : "at least ")\(statistics.matched) hits")
        return lines.joined(separator: "\n")
    }

    private static func milliseconds(_ nanoseconds: UInt64) -> String {
        let thousandths = nanoseconds / 1_000
        let fraction = String(thousandths % 1_000)
        return "\(thousandths / 1_000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}
