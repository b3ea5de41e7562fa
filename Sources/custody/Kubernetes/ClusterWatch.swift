import EventModel

/// Follows the objects of a cluster for as long as it runs: lists each kind, watches from there, and lists again when the
/// cluster has forgotten where the watch stood.
///
/// One task a kind; at most one request each. Failures are retried after 1 s, doubling to 60 s, or after what the server asks.
struct ClusterWatch: Sendable {
    static let longestWait = Duration.seconds(60)

    /// The kinds that make containers run, by their paths.
    static let workloads = [
        ("Deployment", "/apis/apps/v1/deployments"), ("StatefulSet", "/apis/apps/v1/statefulsets"),
        ("DaemonSet", "/apis/apps/v1/daemonsets"), ("CronJob", "/apis/batch/v1/cronjobs"),
        ("Job", "/apis/batch/v1/jobs"),
    ]
    static let pods = "/api/v1/pods"

    let api: KubernetesAPI
    let journal: ClusterJournal
    /// Tell what is there now and end.
    let isOnce: Bool
    let context: CommandContext

    /// Runs until the task is cancelled; with ``isOnce`` until everything has been listed.
    ///
    /// - Throws: ``KubernetesFailure`` `denied` when the first list of a kind is refused: that is a set-up that never worked.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await follow(PodKind()) }
            for (kind, path) in Self.workloads {
                group.addTask { try await follow(WorkloadKind(kind: kind, path: path)) }
            }
            try await group.waitForAll()
        }
    }

    private func follow<Kind: ObservedKind>(_ kind: Kind) async throws {
        var version: String?
        var failures = 0
        var hasListed = false
        while !Task.isCancelled {
            do {
                if version == nil {
                    version = try await list(kind)
                    hasListed = true
                    if isOnce { return }
                }
                let begin = context.now()
                try await watch(kind, &version)
                failures = 0
                // The server ends a watch after minutes; what ends at once is a proxy that would be asked without pause.
                if context.now() < begin.advanced(byNanoseconds: 1_000_000_000), !Task.isCancelled {
                    try await wait(1, nil)
                }
            } catch KubernetesFailure.gone {
                version = nil
                // A cluster that forgets at once must not be asked without pause.
                failures += 1
                try await wait(failures - 1, nil)
            } catch let failure as KubernetesFailure {
                if Task.isCancelled { return }
                if case .denied = failure, !hasListed { throw failure }
                if isOnce { throw failure }
                failures += 1
                if failures == 1 { context.console.note("note: \(failure); trying again") }
                if case .busy(_, let seconds) = failure {
                    try await wait(failures, seconds)
                } else {
                    try await wait(failures, nil)
                }
            }
        }
    }

    private func wait(_ failures: Int, _ asked: Int?) async throws {
        guard failures > 0 else { return }
        let usual = Duration.seconds(1 << min(failures - 1, 6))
        try await context.sleep(min(asked.map { .seconds(max($0, 1)) } ?? usual, Self.longestWait))
    }

    private func list<Kind: ObservedKind>(_ kind: Kind) async throws -> String {
        var present: Set<String> = []
        let version = try await api.list(kind.path, as: Kind.Item.self) { items in
            present.formUnion(items.compactMap { kind.metadata(of: $0).uid })
            for item in items { await journal.record { kind.observe(item, &$0, now: $1) } }
        }
        let all = present
        await journal.record { kind.keep(all, &$0, now: $1) }
        return version
    }

    /// - Parameter version: After which nothing has been seen; kept up also when the watch fails. From an earlier one the server
    ///   would show states that are over, and what came after them would seem to have ended.
    private func watch<Kind: ObservedKind>(_ kind: Kind, _ version: inout String?) async throws {
        try await api.watch(kind.path, from: version ?? "", as: Kind.Item.self) { content throws(KubernetesFailure) in
            switch content {
            case .change(let change, let item):
                await journal.record {
                    change == .deleted ? kind.remove(item, &$0, now: $1) : kind.observe(item, &$0, now: $1)
                }
                version = kind.metadata(of: item).resourceVersion ?? version
            case .bookmark(let reached):
                if !reached.isEmpty { version = reached }
            case .failure(let status):
                if status.code == 410 { throw .gone }
                throw .busy("\(kind.path): \(status.message ?? "the watch failed")", retryAfter: nil)
            case .other: break
            }
            return !Task.isCancelled
        }
    }
}

/// A kind of objects, and what of the observer belongs to it.
protocol ObservedKind: Sendable {
    associatedtype Item: Decodable & Sendable
    var path: String { get }
    func metadata(of item: Item) -> KubernetesObjects.Metadata
    func observe(_ item: Item, _ observer: inout ClusterObserver, now: String) -> [ClusterObservation]
    func remove(_ item: Item, _ observer: inout ClusterObserver, now: String) -> [ClusterObservation]
    /// `present` are all that exist.
    func keep(_ present: Set<String>, _ observer: inout ClusterObserver, now: String) -> [ClusterObservation]
}

struct PodKind: ObservedKind {
    let path = ClusterWatch.pods

    func metadata(of item: KubernetesObjects.Pod) -> KubernetesObjects.Metadata { item.metadata }
    func observe(_ item: KubernetesObjects.Pod, _ observer: inout ClusterObserver, now: String) -> [ClusterObservation]
    {
        observer.observe(item, now: now)
    }
    func remove(_ item: KubernetesObjects.Pod, _ observer: inout ClusterObserver, now: String) -> [ClusterObservation] {
        observer.remove(item, now: now)
    }
    func keep(_ present: Set<String>, _ observer: inout ClusterObserver, now: String) -> [ClusterObservation] {
        observer.removePods(except: present, now: now)
    }
}

struct WorkloadKind: ObservedKind {
    let kind: String
    let path: String

    func metadata(of item: KubernetesObjects.Workload) -> KubernetesObjects.Metadata { item.metadata }
    func observe(
        _ item: KubernetesObjects.Workload, _ observer: inout ClusterObserver, now: String
    ) -> [ClusterObservation] {
        observer.observe(item, kind: kind, now: now)
    }
    func remove(
        _ item: KubernetesObjects.Workload, _ observer: inout ClusterObserver, now: String
    ) -> [ClusterObservation] {
        observer.remove(item, now: now)
    }
    func keep(_ present: Set<String>, _ observer: inout ClusterObserver, now: String) -> [ClusterObservation] {
        observer.removeWorkloads(kind, except: present, now: now)
    }
}
