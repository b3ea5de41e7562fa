import EventModel
import EventStore
import Foundation
import HTTPTypes
import Logging
import Synchronization

/// Reads the histories of sources again, one at a time, each on a thread of its own: at its own pace behind everything else that
/// the server does, until it is done or somebody stops it.
///
/// A run changes nothing before its end. Then searches see the new reading of the source's whole history in one step.
final class Renormalisations: Sendable {
    private struct Run {
        let stop: StopFlag
        var task: Task<Void, Never>?
        /// Its examples may be of events that were destroyed.
        var hidesExamples = false
    }

    private struct State {
        var run: Run?
        var status: RenormalisationStatus?
        var events: UInt64 = 0
        var differing: UInt64 = 0
        var ends: [RenormalisationStatus.Phase: Int] = [:]
    }

    private struct Stopped: Error {}

    private let state = Mutex(State())
    private let orders: StoreOrders
    private let store: StoreSnapshots
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    /// Throws when the disk has no room beside its reserve.
    private let checkDisk: @Sendable () throws -> Void

    init(
        orders: StoreOrders, store: StoreSnapshots, logger: Logger, now: @escaping @Sendable () -> Timestamp,
        checkDisk: @escaping @Sendable () throws -> Void
    ) {
        self.orders = orders
        self.store = store
        self.logger = logger
        self.now = now
        self.checkDisk = checkDisk
    }

    /// The run at work, or else the last one since the server started.
    var status: RenormalisationStatus? { state.withLock { $0.status } }

    /// - Throws: ``Problem`` 409 when there is a run.
    func checkIdle() throws {
        try state.withLock { state in
            guard state.run != nil else { return }
            throw Problem(
                .conflict, "busy", "the source \(state.status?.source ?? "") is being read again; one at a time")
        }
    }

    /// Begins a run.
    ///
    /// - Parameter onEnd: Gets what came of it, before anybody else can see that it has ended.
    /// - Throws: ``Problem`` 409 when there is one already.
    func start(
        _ work: Rereading, isDryRun: Bool, onEnd: @escaping @Sendable (RenormalisationStatus) async -> Void
    ) throws -> RenormalisationStatus {
        let stop = StopFlag()
        let status = RenormalisationStatus(
            source: work.source, since: work.since, isDryRun: isDryRun, started: now())
        let isFree = state.withLock { state in
            guard state.run == nil else { return false }
            state.run = Run(stop: stop)
            state.status = status
            return true
        }
        guard isFree else {
            try checkIdle()
            throw Problem(.conflict, "busy", "a source was being read again; try again")
        }
        let task = Task.detached { [self] in
            let result = await perform(work, isDryRun, stop)
            await end(result, onEnd)
        }
        state.withLock { $0.run?.task = task }
        return status
    }

    /// Ends the run at work and waits for that; false when there is none.
    @discardableResult
    func stop() async -> Bool {
        guard let run = state.withLock({ $0.run }) else { return false }
        run.stop.set()
        await run.task?.value
        return true
    }

    /// Forgets the examples of the last run and shows none of the one at work: they quote events that are to be destroyed.
    func forgetExamples() {
        state.withLock { state in
            state.status?.counts.examples = []
            state.run?.hidesExamples = true
        }
    }

    private func perform(_ work: Rereading, _ isDryRun: Bool, _ stop: StopFlag) async -> Result<
        Rereading.Counts, any Error
    > {
        do {
            guard !isDryRun else { return .success(try await read(work, store.segments(), nil, stop)) }
            let draft = try await orders.beginOverlay(of: work.source)
            do {
                let counts = try await read(work, draft.segments, draft, stop)
                try await orders.publish(draft)
                return .success(counts)
            } catch {
                orders.abandon(draft)
                throw error
            }
        } catch {
            return .failure(error)
        }
    }

    private func read(
        _ work: Rereading, _ segments: [SegmentReader], _ draft: OverlayDraft?, _ stop: StopFlag
    ) async throws -> Rereading.Counts {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { [self] in
                continuation.resume(
                    with: Result {
                        try work.run(over: segments, into: draft, progress: note) {
                            guard !stop.isSet else { throw Stopped() }
                            if draft != nil { try checkDisk() }
                        }
                    })
            }
            thread.name = "custody-reread"
            thread.start()
        }
    }

    private func note(_ counts: Rereading.Counts) {
        state.withLock { state in
            guard let before = state.status?.counts else { return }
            state.events += counts.read - before.read
            state.differing += counts.differing - before.differing
            state.status?.counts = counts
            if state.run?.hidesExamples == true { state.status?.counts.examples = [] }
        }
    }

    private func end(
        _ result: Result<Rereading.Counts, any Error>, _ onEnd: @Sendable (RenormalisationStatus) async -> Void
    ) async {
        guard var status = status else { return }
        status.finished = now()
        switch result {
        case .success(let counts):
            status.phase = .done
            status.counts = counts
        case .failure(is Stopped): status.phase = .stopped
        case .failure(let error):
            status.phase = .failed
            status.reason = (error as? EventStoreError)?.reason ?? ProblemMapper.problem(for: error).detail
            logger.error(
                "a source could not be read again",
                metadata: ["source": "\(status.source)", "error": "\(error)"])
        }
        await onEnd(status)
        let ended = status
        state.withLock { state in
            state.status = ended
            if state.run?.hidesExamples == true { state.status?.counts.examples = [] }
            state.run = nil
            state.ends[ended.phase, default: 0] += 1
        }
    }

    var samples: [ServerMetrics.Sample] {
        let (state, overlays) = (self.state.withLock { $0 }, store.counters)
        let left = state.run == nil ? 0 : (state.status?.counts).map { $0.events - min($0.events, $0.read) } ?? 0
        return [
            .init(
                .gauge, "custody_renormalisation_running", "Whether a source's history is being read again.",
                state.run == nil ? 0 : 1),
            .init(
                .gauge, "custody_renormalisation_events_left", "Events that the run at work has yet to read again.",
                Double(left)),
            .init(
                .counter, "custody_renormalisation_events_total", "Events read again.", Double(state.events)),
            .init(
                .counter, "custody_renormalisation_differing_total",
                "Events that read otherwise than they were sealed.",
                Double(state.differing)),
            .init(
                .counter, "custody_renormalisation_failures_total", "Runs that failed.",
                Double(state.ends[.failed] ?? 0)),
            .init(
                .gauge, "custody_overlay_rows", "Events that searches see as they read now.",
                Double(overlays.overlayRows)),
            .init(
                .gauge, "custody_overlay_files", "Files of what was read again.", Double(overlays.overlayFiles)),
        ]
    }
}

/// Set once, read from another thread.
private final class StopFlag: Sendable {
    private let flag = Atomic<Bool>(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}
