import Connectors
import EventModel
import Foundation
import Intake
import Logging
import Synchronization

/// All pulls of a server. Runs until its task is cancelled.
struct PullWork: Sendable {
    private let state: ServerState
    private let runs: [(settings: PullSettings, counters: PullCounters)]
    private let transport: any PullTransport

    init(_ settings: [PullSettings], state: ServerState, transport: any PullTransport = HTTPPullTransport()) {
        self.state = state
        self.transport = transport
        runs = settings.map { ($0, PullCounters()) }
        let all = runs
        guard !all.isEmpty else { return }
        state.metrics.collect { Self.samples(all.map(\.counters)) }
    }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for (settings, counters) in runs {
                let run = PullRun(
                    adapter(settings.place), every: settings.intervalSeconds, counters: counters,
                    surroundings: surroundings(settings))
                group.addTask { await run.run() }
            }
        }
    }

    func adapter(_ place: PullSettings.Place) -> any PullAdapter {
        let limits = state.configuration.intake
        switch place {
        case .files(let patterns, let fromStart):
            return FilePull(
                patterns: FilePatterns(patterns: patterns), lineBytes: limits.eventBytes, readsFromStart: fromStart,
                now: state.now)
        case .bucket(let settings):
            return BucketPull(settings, transport: transport, limit: limits.deliveryBytes, now: state.now)
        case .pages(let settings):
            return PagedPull(settings: settings, transport: transport, limit: limits.deliveryBytes, now: state.now)
        }
    }

    func surroundings(_ settings: PullSettings) -> PullRun.Surroundings {
        let (state, name) = (state, settings.name)
        let intake = PullIntake(
            state: state, source: settings.source, verified: settings.isAuthenticated ? .token : .none)
        return PullRun.Surroundings(
            loadCursor: { try await state.cursors.cursor(of: name) },
            saveCursor: { try await state.cursors.save($0, of: name, now: state.now()) },
            submit: { try await intake.submit($0, deliveryID: $1) },
            recordGap: { try await intake.record($0) },
            failed: { error in
                state.logger.warning(
                    "a pull fails and is tried again", metadata: ["pull": "\(name)", "reason": "\(error.reason)"])
            },
            seconds: { Int(state.now().seconds) })
    }

    private static func samples(_ all: [PullCounters]) -> [ServerMetrics.Sample] {
        func sum(_ count: (PullCounters) -> Int) -> Double { Double(all.reduce(0) { $0 + count($1) }) }
        return [
            .init(.gauge, "custody_pulls", "Places that are pulled from.", Double(all.count)),
            .init(
                .gauge, "custody_pulls_failing", "Places whose last pull failed.",
                Double(all.count { $0.lastFailure != nil })),
            .init(
                .gauge, "custody_pull_oldest_page_timestamp_seconds", "When the place that lags most was last read.",
                Double(all.map { $0.lastPage.load(ordering: .relaxed) }.min() ?? 0)),
            .init(
                .counter, "custody_pull_events_total", "Events that were pulled.",
                sum { $0.events.load(ordering: .relaxed) }),
            .init(
                .counter, "custody_pull_duplicates_total", "Events that were pulled again.",
                sum { $0.duplicates.load(ordering: .relaxed) }),
            .init(
                .counter, "custody_pull_failures_total", "Pulls that failed.",
                sum { $0.failures.load(ordering: .relaxed) }),
            .init(
                .counter, "custody_pull_gaps_total", "Times that something could not be pulled any more.",
                sum { $0.gaps.load(ordering: .relaxed) }),
        ]
    }
}
