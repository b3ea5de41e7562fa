import Connectors
import EventModel
import Foundation
import Identity
import Intake
import Logging
import Synchronization

extension PullSettings {
    /// Whether it brings deliveries of all sources, each of which proves itself.
    var isRelay: Bool {
        if case .relay = place { true } else { false }
    }
}

/// All pulls of a server. Runs until its task is cancelled.
struct PullWork: Sendable {
    private let state: ServerState
    private let runs: [(settings: PullSettings, counters: PullCounters)]
    private let transport: any PullTransport
    private let relays: any RelayTransport
    /// What is shared with each relay, by the pull's name.
    private let channels: [String: (channel: RelayChannel, status: RelayStatus)]

    /// - Throws: ``ConfigurationError`` for a relay's key that does not do; when this server's own cannot be read or made.
    init(
        _ settings: [PullSettings], state: ServerState, transport: any PullTransport = HTTPPullTransport(),
        relays: any RelayTransport = HTTPPullTransport()
    ) throws {
        self.state = state
        self.transport = transport
        self.relays = relays
        runs = settings.map { ($0, PullCounters()) }
        var channels: [String: (channel: RelayChannel, status: RelayStatus)] = [:]
        for pull in settings {
            guard case .relay(let relay) = pull.place else { continue }
            let identity = try state.relayIdentity()
            guard let channel = try? RelayChannel(identity, with: relay.key, isRelay: false) else {
                throw ConfigurationError("pull \(pull.name): \(relay.key) is no key that can be used")
            }
            channels[pull.name] = (channel, RelayStatus())
        }
        self.channels = channels
        let (all, status) = (runs, channels.values.map(\.status))
        guard !all.isEmpty else { return }
        state.metrics.collect { Self.samples(all.map(\.counters)) + Self.samples(status) }
    }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for (settings, counters) in runs {
                let run = PullRun(
                    adapter(settings), every: settings.intervalSeconds, counters: counters,
                    surroundings: surroundings(settings))
                group.addTask { await run.run() }
            }
        }
    }

    func adapter(_ settings: PullSettings) -> any PullAdapter {
        let limits = state.configuration.intake
        switch settings.place {
        case .files(let patterns, let fromStart):
            return FilePull(
                patterns: FilePatterns(patterns: patterns), lineBytes: limits.eventBytes, readsFromStart: fromStart,
                now: state.now)
        case .bucket(let settings):
            return BucketPull(settings, transport: transport, limit: limits.deliveryBytes, now: state.now)
        case .pages(let settings):
            return PagedPull(settings: settings, transport: transport, limit: limits.deliveryBytes, now: state.now)
        case .relay(let relay):
            guard let (channel, status) = channels[settings.name] else {
                preconditionFailure("the pull \(settings.name) is none of this work")
            }
            return RelayPull(
                relay, channel: channel, transport: relays, status: status, limit: limits.deliveryBytes,
                sources: { [sources = state.sources] in
                    sources.list().filter(\.isEnabled).map { .init(name: $0.name, connector: $0.connector) }
                }, now: state.now)
        }
    }

    func surroundings(_ settings: PullSettings) -> PullRun.Surroundings {
        let (state, name) = (state, settings.name)
        let relay = settings.isRelay ? RelayIntake(state, relay: name) : nil
        let intake = PullIntake(
            state: state, source: settings.isRelay ? name : settings.source,
            verified: settings.isAuthenticated ? .token : .none)
        return PullRun.Surroundings(
            loadCursor: { try await state.cursors.cursor(of: name) },
            saveCursor: { try await state.cursors.save($0, of: name, now: state.now()) },
            submit: { delivery, id in
                if let relay { return try await relay.submit(delivery.body) }
                return try await intake.submit(delivery, deliveryID: id)
            },
            recordGap: { try await intake.record($0) },
            failed: { error in
                state.logger.warning(
                    "a pull fails and is tried again", metadata: ["pull": "\(name)", "reason": "\(error.reason)"])
            },
            caughtUp: { state.exposure.request() }, seconds: { Int(state.now().seconds) })
    }

    private static func samples(_ relays: [RelayStatus]) -> [ServerMetrics.Sample] {
        guard !relays.isEmpty else { return [] }
        let heads = relays.compactMap(\.head)
        let refused = heads.reduce(0) { $0 + $1.refused.values.reduce(0, +) }
        return [
            .init(.gauge, "custody_relays", "Relays that are drained.", Double(relays.count)),
            .init(
                .gauge, "custody_relay_waiting", "Deliveries that wait at relays, at the last drain of each.",
                Double(heads.reduce(0) { $0 + $1.waiting })),
            .init(
                .gauge, "custody_relay_bytes", "Bytes of the relays' spools.", Double(heads.reduce(0) { $0 + $1.bytes })
            ),
            .init(
                .gauge, "custody_relay_accepted", "Deliveries that relays took since their start.",
                Double(heads.reduce(0) { $0 + $1.accepted })),
            .init(
                .gauge, "custody_relay_refused", "Requests that relays refused since their start.", Double(refused)),
        ]
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
