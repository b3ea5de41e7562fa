import EventModel
import Intake
import Synchronization

/// How far a stream is: shown with its source.
final class GitHubProgress: Sendable {
    enum Phase: String, Sendable {
        /// Nothing was read since the start.
        case starting
        /// What happened before is being read.
        case backfilling
        case following
        /// Requests are scarce; it goes on by itself.
        case waiting
        /// The plan, or the credential, does not have it.
        case unavailable
        /// All there is was read, and another stream tells what is new.
        case complete
    }

    struct State: Sendable {
        var phase = Phase.starting
        /// From 0 to 1: the part of the days before that has been read.
        var backfilled: Double?
        /// The earliest moment that was reached, in seconds since 1970.
        var reached: Int64?
        /// Why it is unavailable, or until when it waits.
        var note: String?
        /// Repositories that cannot be read, and why, for at most ``maximumNames``.
        var skipped: [String: String] = [:]
    }

    /// Repositories that are named.
    static let maximumNames = 20

    let stream: GitHubSettings.Stream
    let counters = PullCounters()
    /// Objects that other ways had brought before.
    let joined = Atomic<Int>(0)
    private let state = Mutex(State())

    init(_ stream: GitHubSettings.Stream) { self.stream = stream }

    var snapshot: State { state.withLock { $0 } }

    func set(_ phase: Phase, note: String? = nil) {
        state.withLock { state in
            state.phase = phase
            state.note = note
        }
    }

    func wait(until seconds: Int64) {
        set(.waiting, note: "for GitHub's rate limit, until \(Timestamp(seconds: seconds).text)")
    }

    func note(backfilled: Double?, reached: Int64?) {
        state.withLock { state in
            state.backfilled = backfilled.map { min(max($0, 0), 1) }
            state.reached = reached
        }
    }

    func skip(_ repository: String, _ reason: String?) {
        state.withLock { state in
            guard let reason else { return _ = state.skipped.removeValue(forKey: repository) }
            guard state.skipped.count < Self.maximumNames || state.skipped[repository] != nil else { return }
            state.skipped[repository] = reason
        }
    }
}

/// What the streams of one connection share.
struct GitHubContext: Sendable {
    let settings: GitHubSettings
    let client: GitHubClient
    let repositories: GitHubRepositories
    let now: @Sendable () -> Timestamp
    let parts: GitHubCoverage

    init(
        _ settings: GitHubSettings, transport: any GitHubTransport, limit: Int,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.settings = settings
        self.now = now
        client = GitHubClient(settings, transport: transport, limit: limit, now: now)
        repositories = GitHubRepositories(client, now: now)
        parts = GitHubCoverage()
    }
}

/// From when on the deliveries tell everything: what the activity feed has from then on would come twice.
final class GitHubCoverage: Sendable {
    private let moment = Mutex<Int64?>(nil)

    /// In seconds since 1970; nil while the deliveries have not been listed to their end once.
    var begins: Int64? { moment.withLock { $0 } }

    func set(_ seconds: Int64) { moment.withLock { $0 = seconds } }
}

/// The repositories of an organization that the credential shows.
actor GitHubRepositories {
    private let client: GitHubClient
    private let now: @Sendable () -> Timestamp
    private var names: [String] = []
    private var read: Int64?

    init(_ client: GitHubClient, now: @escaping @Sendable () -> Timestamp) {
        self.client = client
        self.now = now
    }

    /// Full names, in the order of the alphabet; from memory as long as ``GitHubLimits/repositoryListSeconds`` have not passed.
    ///
    /// - Throws: ``GitHubPause``, ``PullError``.
    func list() async throws -> [String] {
        let moment = now().seconds
        if let read, moment - read < GitHubLimits.repositoryListSeconds { return names }
        let settings = client.settings
        var next: String? =
            settings.isApp
            ? "/installation/repositories?per_page=\(GitHubLimits.pageSize)"
            : "/orgs/\(settings.organization)/repos?type=all&per_page=\(GitHubLimits.pageSize)"
        var found: Set<String> = []
        while let target = next {
            let reply = try await client.get(target).found("the list of repositories")
            let list = try GitHubList(reply, member: settings.isApp ? "repositories" : nil)
            for name in try list.map({ $0.text("full_name") }) {
                guard let name, Self.isWanted(name, settings) else { continue }
                found.insert(name)
            }
            guard found.count <= GitHubLimits.maximumRepositories else {
                throw PullError(
                    .malformed, "more than \(GitHubLimits.maximumRepositories) repositories; name those to read")
            }
            next = reply.next == target ? nil : reply.next
        }
        names = found.sorted()
        read = moment
        return names
    }

    private static func isWanted(_ name: String, _ settings: GitHubSettings) -> Bool {
        let parts = name.split(separator: "/")
        guard parts.count == 2, parts[0].lowercased() == settings.organization.lowercased() else { return false }
        return settings.repositories?.contains(parts[1].lowercased()) ?? true
    }
}
