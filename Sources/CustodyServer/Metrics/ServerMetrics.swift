import Foundation
import Synchronization

/// The server's metrics, in Prometheus' text format at `/metrics`.
///
/// Modules count for themselves; they are read when somebody asks. Only requests are counted here.
final class ServerMetrics: Sendable {
    /// Upper bounds in seconds of the request duration histogram.
    private static let bounds: [Double] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

    struct Sample: Sendable {
        enum Kind: String, Sendable { case counter, gauge }
        let name: String
        let help: String
        let kind: Kind
        let value: Double
        /// Values are names that need no escaping.
        let labels: [(String, String)]

        init(
            _ kind: Kind, _ name: String, _ help: String, _ value: Double, labels: [(String, String)] = []
        ) {
            self.labels = labels
            self.kind = kind
            self.name = name
            self.help = help
            self.value = value
        }

        init(_ kind: Kind, _ name: String, _ help: String, _ value: borrowing Atomic<Int>) {
            self.init(kind, name, help, Double(value.load(ordering: .relaxed)))
        }
    }

    private struct Series: Hashable {
        let route: String
        let status: Int
    }

    private struct Histogram {
        var counts = Array(repeating: 0, count: ServerMetrics.bounds.count + 1)
        var sum = 0.0
    }

    private struct State {
        var requests: [Series: Histogram] = [:]
        var collectors: [@Sendable () -> [Sample]] = []
    }

    private let state = Mutex(State())

    init() {}

    /// Adds a source of samples, asked at every scrape.
    func collect(_ collector: @escaping @Sendable () -> [Sample]) {
        state.withLock { $0.collectors.append(collector) }
    }

    func request(route: String, status: Int, duration: Duration) {
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
        let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        state.withLock { state in
            // Routes are patterns, not paths, so the number of series is bounded by the program.
            state.requests[Series(route: route, status: status), default: Histogram()].counts[bucket] += 1
            state.requests[Series(route: route, status: status)]?.sum += seconds
        }
    }

    /// Everything, in Prometheus' text exposition format 0.0.4.
    var text: String {
        let (requests, collectors) = state.withLock { ($0.requests, $0.collectors) }
        var text = ""
        let samples = collectors.flatMap { $0() }
        // All samples of one name belong together, under one description.
        var byName: [String: [Sample]] = [:]
        for sample in samples where !sample.labels.isEmpty { byName[sample.name, default: []].append(sample) }
        var written: Set<String> = []
        for sample in samples where written.insert(sample.name).inserted {
            text += "# HELP \(sample.name) \(sample.help)\n# TYPE \(sample.name) \(sample.kind.rawValue)\n"
            for one in byName[sample.name] ?? [sample] {
                let labels = one.labels.map { "\($0)=\"\($1)\"" }.joined(separator: ",")
                text += one.name + (labels.isEmpty ? "" : "{\(labels)}") + " \(Self.number(one.value))\n"
            }
        }
        text += "# HELP custody_http_request_seconds Duration of requests by route and status.\n"
        text += "# TYPE custody_http_request_seconds histogram\n"
        for (series, histogram) in requests.sorted(by: { ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status) }
        ) {
            let labels = "route=\"\(series.route)\",status=\"\(series.status)\""
            var total = 0
            for (bound, count) in zip(Self.bounds, histogram.counts) {
                total += count
                text += "custody_http_request_seconds_bucket{\(labels),le=\"\(Self.number(bound))\"} \(total)\n"
            }
            total += histogram.counts[Self.bounds.count]
            text += "custody_http_request_seconds_bucket{\(labels),le=\"+Inf\"} \(total)\n"
            text += "custody_http_request_seconds_sum{\(labels)} \(Self.number(histogram.sum))\n"
            text += "custody_http_request_seconds_count{\(labels)} \(total)\n"
        }
        return text
    }

    private static func number(_ value: Double) -> String {
        Int(exactly: value).map(String.init) ?? String(value)
    }
}
