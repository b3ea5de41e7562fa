import EventModel
import Foundation
import Intake
import Journal
import Synchronization

/// Brings the views to where the journal ended when the server started, on a thread of its own, from the least of their cursors on.
///
/// Deliveries are taken meanwhile; what they bring waits in the views' queues, within intake's budget. What reads the views
/// waits until this is over (``RecoveryMiddleware``): nothing that was found before a restart is missing after it.
final class Recovery: Sendable {
    /// The longest wait for what was replayed to be flushed; a damaged segment may keep some from search for ever.
    private static let searchableLimit = Duration.seconds(1)
    /// How often somebody who waits looks.
    private static let look = Duration.milliseconds(20)

    private struct State {
        var isEnded = false
        var failure: (any Error)?
        /// Whether the start has gone on: a failure is then one of the running server.
        var isBehindStart = false
    }

    private let state = Mutex(State())
    private let over = Atomic<Bool>(false)
    private let isCancelled = Atomic<Bool>(false)
    private let behind: [ViewRunner]
    private let from: LeafIndex
    private let end: LeafIndex
    private let onFailure: @Sendable (any Error) -> Void

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - runners: Made with the journal's end, and handed nothing yet.
    ///   - ledger: The leaf behind the last that is in the tree: the entries of later ones are made.
    ///   - isSearchable: Whether everything below an index can be found.
    ///   - completion: Called when every view is there.
    ///   - onFailure: Called when that cannot be after ``wait(atMost:)`` was over; the process has to end.
    init(
        _ runners: [ViewRunner], to end: LeafIndex, ledger: LeafIndex, journal: JournalReader, keyer: DeliveryKeyer,
        isSearchable: @escaping @Sendable (LeafIndex) -> Bool, completion: @escaping @Sendable () -> Void,
        onFailure: @escaping @Sendable (any Error) -> Void
    ) {
        behind = runners.filter { $0.cursor < end }
        from = behind.map(\.cursor).min() ?? end
        self.end = end
        self.onFailure = onFailure
        let thread = Thread { [self] in
            do {
                try replay(journal, keyer, ledger)
                completion()
                if !behind.isEmpty { waitUntilSearchable(through: drain(journal), isSearchable) }
                over.store(true, ordering: .releasing)
                state.withLock { $0.isEnded = true }
            } catch {
                fail(error)
            }
        }
        thread.name = "recovery"
        thread.stackSize = 4 << 20
        thread.start()
    }

    /// Whether the views are there.
    var isOver: Bool { over.load(ordering: .acquiring) }

    /// The leaves that the last of the views still lacks.
    var remaining: UInt64 {
        guard !isOver else { return 0 }
        return end.rawValue - min(end, behind.map(\.cursor).min() ?? end).rawValue
    }

    /// The leaves that it had to make up for in all.
    var total: UInt64 { end.rawValue - from.rawValue }

    /// Blocks until it is over, or for some time.
    ///
    /// - Throws: what has kept a view from getting there until then.
    func wait(atMost limit: Duration) throws {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline, !state.withLock({ $0.isEnded }) { Thread.sleep(forTimeInterval: 0.005) }
        let failure = state.withLock { state in
            state.isBehindStart = true
            return state.failure
        }
        if let failure { throw failure }
    }

    /// Waits until it is over, or for some time.
    ///
    /// - Returns: Whether it is over.
    /// - Throws: `CancellationError`.
    func isOver(within limit: Duration) async throws -> Bool {
        let deadline = ContinuousClock.now + limit
        while !isOver {
            guard ContinuousClock.now < deadline else { return false }
            try await Task.sleep(for: Self.look)
        }
        return true
    }

    /// Lets it end where it is, once the views have been stopped; the next start goes on from there.
    func cancel() { isCancelled.store(true, ordering: .releasing) }

    /// Blocks until the thread has ended.
    func join() {
        while !state.withLock({ $0.isEnded }) { Thread.sleep(forTimeInterval: 0.005) }
    }

    // MARK: The thread

    private struct Ended: Error {}

    private func replay(_ journal: JournalReader, _ keyer: DeliveryKeyer, _ ledger: LeafIndex) throws {
        if !behind.isEmpty {
            try journal.read(from: from.rawValue, upTo: end.rawValue) { batch in
                guard !isCancelled.load(ordering: .acquiring) else { throw Ended() }
                let committed = try CommittedBatch(
                    replaying: batch, keyer: keyer, hasEntries: batch.indexes.upperBound > ledger.rawValue)
                for runner in behind { runner.replay(committed) }
                for runner in behind { runner.waitUntil(processed: committed.firstIndex) }
            }
        }
        for runner in behind { runner.endReplay() }
        for runner in behind { runner.waitUntil(processed: end) }
        // A view that has ended before has told why.
        guard behind.allSatisfy({ $0.cursor >= end }) else { throw Ended() }
    }

    /// Waits for what was committed meanwhile, which is as long acknowledged as the replay took, and for what was committed
    /// during that wait, as long as it becomes less. Returns where the views then are.
    private func drain(_ journal: JournalReader) -> LeafIndex {
        var (reached, backlog) = (end.rawValue, UInt64.max)
        while true {
            let committed = journal.indexes.upperBound
            guard committed > reached, committed - reached < backlog / 2 else { return LeafIndex(reached) }
            (reached, backlog) = (committed, committed - reached)
            for runner in behind { runner.waitUntil(processed: LeafIndex(reached)) }
        }
    }

    private func waitUntilSearchable(through index: LeafIndex, _ isSearchable: (LeafIndex) -> Bool) {
        let deadline = ContinuousClock.now + Self.searchableLimit
        while !isSearchable(index), ContinuousClock.now < deadline { Thread.sleep(forTimeInterval: 0.01) }
    }

    private func fail(_ error: any Error) {
        let isBehindStart = state.withLock { state in
            state.isEnded = true
            if !(error is Ended) { state.failure = error }
            return state.isBehindStart
        }
        if isBehindStart, !(error is Ended) { onFailure(error) }
    }
}
