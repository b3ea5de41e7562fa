import AccessControl
import Detection
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import Synchronization

/// `POST /v1/rules/backtest`: a rule over the events that are stored.
struct BacktestRoute {
    /// How long one may run: a client waits for the answer. It says how far it came.
    static let limit = Duration.seconds(100)

    /// One at a time: each takes a core and reads the disk.
    private static let isRunning = Atomic<Bool>(false)

    private struct Wanted: Decodable {
        var rule: String?
        var id: String?
        var since: String?
        var until: String?
    }

    let state: ServerState

    @Sendable func run(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        // It looks at every event, payloads included.
        let principal = try context.requirePrincipal()
        try Authorizer.check(.search, for: principal, now: state.now())
        let wanted: Wanted = try await RequestJSON.decode(request, context)
        let chosen = try RuleRoutes.rules(wanted.rule, wanted.id, state)
        let keys: Set<String> =
            wanted.id.flatMap(chosen.rule).map { [$0.key] } ?? Set(chosen.rules.map(\.key))
        let now = state.now()
        let since = try SearchRoutes.time(wanted.since ?? "-90d", "since", now) ?? Timestamp(nanoseconds: 0)
        let until = try SearchRoutes.time(wanted.until, "until", now) ?? Timestamp(nanoseconds: .max)
        guard since < until else { throw Problem.badRequest("invalid_time", "until is not after since") }
        guard Self.isRunning.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
        else {
            throw Problem(
                .tooManyRequests, "busy", "another backtest is running", headers: [.retryAfter: "10"])
        }
        defer { Self.isRunning.store(false, ordering: .releasing) }
        try await state.audit.recordDurably(
            state.auditEntry(
                "rule.backtest", activity: "read", context, resource: ("rule", chosen.rules.first?.key),
                details: [("since", since.text), ("sha256", chosen.rules.first?.hash ?? "")]))
        let backtest = Backtest(
            scan: StoredEventScan(store: state.storeView, journal: state.journal),
            rules: Backtest.rules(chosen, inForce: state.engine.ruleSet), keys: keys, live: state.alerts,
            now: state.now)
        let report = try await Self.offPool { isCancelled in
            try backtest.run(receivedIn: since..<until, limit: Self.limit, isCancelled: isCancelled)
        }
        return Self.response(report, keys: keys)
    }

    /// Runs blocking work on a thread of its own; cancelling the request stops it.
    private static func offPool(
        _ work: @escaping @Sendable (_ isCancelled: () -> Bool) throws -> Backtest.Report
    ) async throws -> Backtest.Report {
        let flag = CancellationFlag()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                Thread.detachNewThread { continuation.resume(with: Result { try work { flag.isSet } }) }
            }
        } onCancel: {
            flag.set()
        }
    }

    private static func response(_ report: Backtest.Report, keys: Set<String>) -> Response {
        var json = JSONWriter()
        json.object { json in
            json.member("rules") { json in json.array { json in for key in keys.sorted() { json.value(key) } } }
            json.member("events", Int64(report.events))
            json.member("evaluated", Int64(report.evaluated))
            json.member("matches", Int64(report.matches))
            json.member("complete", report.isComplete)
            if let last = report.lastIndex { json.member("last_index", Int64(bitPattern: last.rawValue)) }
            json.member("alert_count", Int64(report.alertCount))
            json.member("signal_count", Int64(report.signalCount))
            json.member("live_alert_count", Int64(report.liveAlertCount))
            json.member("took_ms", report.nanoseconds / 1_000_000)
            json.member("evidence") { json in
                json.object { json in
                    json.member("both", Int64(report.comparison.both))
                    json.member("only_backtest", Int64(report.comparison.onlyBacktestCount))
                    json.member("only_live", Int64(report.comparison.onlyLiveCount))
                    for (name, leaves) in [
                        ("only_backtest_indexes", report.comparison.onlyBacktest),
                        ("only_live_indexes", report.comparison.onlyLive),
                    ] {
                        json.member(name) { json in
                            json.array { json in for leaf in leaves { json.value(Int64(bitPattern: leaf)) } }
                        }
                    }
                }
            }
            json.member("alerts") { json in
                json.array { json in for alert in report.alerts { AlertRoutes.write(alert, to: &json) } }
            }
        }
        return json.response()
    }
}

/// Set once, read from another thread.
private final class CancellationFlag: Sendable {
    private let flag = Atomic<Bool>(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}
