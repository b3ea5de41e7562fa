import Connectors
import EventModel
import Intake
import Logging
import Synchronization

/// The running streams of one connection.
struct GitHubStreams: Sendable {
    /// Between two looks at what is due. A look without anything due costs no request.
    static let tickSeconds: Int64 = 10

    let settings: GitHubSettings
    let progress: [GitHubProgress]
    let context: GitHubContext
    private let state: ServerState
    private let join: GitHubJoin

    init(_ settings: GitHubSettings, state: ServerState) {
        self.settings = settings
        self.state = state
        let limit = state.configuration.intake.deliveryBytes
        context = GitHubContext(settings, transport: state.github.transport, limit: limit, now: state.now)
        progress = settings.streams.map(GitHubProgress.init)
        join = GitHubJoin(source: settings.source, state: state)
    }

    /// Reads until the task is cancelled. One stream that fails holds up no other.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for progress in progress {
                let run = pull(progress)
                group.addTask { await run.run() }
            }
        }
    }

    func pull(_ progress: GitHubProgress) -> PullRun {
        PullRun(
            adapter(progress), every: Self.tickSeconds, counters: progress.counters,
            surroundings: surroundings(progress))
    }

    func adapter(_ progress: GitHubProgress) -> any PullAdapter {
        switch progress.stream {
        case .deliveries:
            GitHubDeliveries(context, progress) { [join] in join.isKnown($0, connector: GitHubJoin.webhook) }
        case .audit: GitHubAuditLog(context, progress)
        case .events: GitHubFeed(context, progress)
        case .runs: GitHubListing(.runs, context, progress)
        case .jobs: GitHubListing(.jobs, context, progress)
        case .deployments: GitHubListing(.deployments, context, progress)
        }
    }

    /// How what a stream brings is read.
    private static func connector(_ stream: GitHubSettings.Stream) -> String {
        switch stream {
        case .deliveries: GitHubJoin.webhook
        case .audit: "github-audit-log"
        case .events, .runs, .jobs, .deployments: GitHubJoin.api
        }
    }

    func surroundings(_ progress: GitHubProgress) -> PullRun.Surroundings {
        let (state, join, stream) = (state, join, progress.stream)
        // One row for each stream: where one of them goes on says nothing of the others.
        let name = "github/\(settings.source)/\(stream.rawValue)"
        let intake = PullIntake(state: state, source: settings.source, verified: .token)
        return PullRun.Surroundings(
            loadCursor: { try await state.cursors.cursor(of: name) },
            saveCursor: { try await state.cursors.save($0, of: name, now: state.now()) },
            submit: { delivery, id in
                let connector = try state.catalogue.connector(named: Self.connector(stream))
                let (fresh, joined) = try await join.fresh(delivery, connector: connector)
                progress.joined.add(joined, ordering: .relaxed)
                guard let fresh else { return (0, joined) }
                let (accepted, duplicates) = try await intake.submit(fresh, deliveryID: id, connector: connector)
                return (accepted, duplicates + joined)
            },
            recordGap: { try await intake.record($0) },
            failed: { error in
                state.logger.warning(
                    "a stream of GitHub fails and is tried again",
                    metadata: ["pull": "\(name)", "reason": "\(error.reason)"])
            },
            seconds: { Int(state.now().seconds) })
    }
}
