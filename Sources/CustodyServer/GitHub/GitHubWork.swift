import Intake
import Synchronization

/// Runs the streams of all connections to GitHub, and begins anew whenever these change.
struct GitHubWork: Sendable {
    private let state: ServerState

    init(_ state: ServerState) {
        self.state = state
        let connections = state.github
        state.metrics.collect { Self.samples(connections.allStreams) }
    }

    /// Runs until the task is cancelled. Streams that are cancelled by a change go on where they were: cursors are durable.
    func run() async {
        var changes = state.github.changes.makeAsyncIterator()
        while !Task.isCancelled {
            let streams = state.github.list().map { GitHubStreams($0.settings, state: state) }
            state.github.run(streams)
            let running = Task {
                await withTaskGroup(of: Void.self) { group in
                    for stream in streams { group.addTask { await stream.run() } }
                }
            }
            // The next change, or nil when this task is cancelled.
            _ = await changes.next()
            running.cancel()
            await running.value
        }
        state.github.run([])
    }

    private static func samples(_ all: [GitHubStreams]) -> [ServerMetrics.Sample] {
        let progress = all.flatMap(\.progress)
        guard !progress.isEmpty else { return [] }
        func sum(_ count: (GitHubProgress) -> Int) -> Double { Double(progress.reduce(0) { $0 + count($1) }) }
        return [
            .init(.gauge, "custody_github_streams", "Streams that are read from GitHub.", Double(progress.count)),
            .init(
                .gauge, "custody_github_streams_failing", "Streams whose last attempt failed.",
                Double(progress.count { $0.counters.lastFailure != nil })),
            .init(
                .gauge, "custody_github_backfill_ratio",
                "How much of the days before the connection has been read, where least has.",
                progress.compactMap { $0.snapshot.backfilled }.min() ?? 1),
            .init(
                .counter, "custody_github_events_total", "Events that were read from GitHub.",
                sum { $0.counters.events.load(ordering: .relaxed) }),
            .init(
                .counter, "custody_github_joined_total", "Objects that a webhook or an earlier page had told already.",
                sum { $0.joined.load(ordering: .relaxed) }),
            .init(
                .counter, "custody_github_failures_total", "Attempts that failed.",
                sum { $0.counters.failures.load(ordering: .relaxed) }),
            .init(
                .counter, "custody_github_gaps_total", "Times that something was gone at GitHub before it was read.",
                sum { $0.counters.gaps.load(ordering: .relaxed) }),
        ]
    }
}
