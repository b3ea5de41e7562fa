package import EventModel
import Foundation
import Synchronization

/// Drives one view on a thread of its own: hands it batches in order, ticks it, stops it.
///
/// The queue needs no bound of its own: what is in it counts against intake's ``Admission`` until the view has processed it.
package final class ViewRunner: Sendable {
    /// How often a view is ticked. Small against a second, in which everything acknowledged has to be searchable.
    package static let tickMilliseconds = 50

    private struct State {
        var queue: [CommittedBatch] = []
        /// What is read again from the journal; it comes before the queue.
        var replayed: [CommittedBatch] = []
        var isReplaying: Bool
        var isStopping = false
        var isFinished = false

        /// What the view is to process next and whether it is to finish then; nil while there is nothing to do.
        mutating func take() -> (batches: [CommittedBatch], isLast: Bool)? {
            if !replayed.isEmpty {
                defer { replayed = [] }
                return (replayed, false)
            }
            // Of what is committed meanwhile, the first comes after the last that is replayed. If that never comes, the journal
            // still has both for the next start.
            guard !isReplaying else { return isStopping ? ([], true) : nil }
            guard !queue.isEmpty || isStopping else { return nil }
            defer { queue = [] }
            return (queue, isStopping)
        }
    }

    private let condition: Condition<State>
    private let processed: Atomic<UInt64>
    private let durable: Atomic<UInt64>
    package let name: String

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - view: It lives on the runner's thread alone from here on.
    ///   - end: Where the journal ends. A view that is not there yet gets what it lacks by ``replay(_:)``; until
    ///     ``endReplay()``, what is committed meanwhile waits.
    ///   - onFailure: Called when the view fails; the process has to end, because a view that skips an event lies.
    package init(
        _ view: sending any View, replayingTo end: LeafIndex = LeafIndex(0),
        onFailure: @escaping @Sendable (any Error) -> Void
    ) {
        condition = Condition(State(isReplaying: view.cursor < end))
        name = view.name
        processed = Atomic(view.cursor.rawValue)
        durable = Atomic(view.durableCursor.rawValue)
        let box = ViewBox(view)
        let thread = Thread { [self] in
            do {
                try run(box.view)
            } catch {
                onFailure(error)
            }
            condition.withLock { $0.isFinished = true }
        }
        thread.name = "view \(view.name)"
        thread.stackSize = 4 << 20
        thread.start()
    }

    /// The next index the view wants.
    package var cursor: LeafIndex { LeafIndex(processed.load(ordering: .acquiring)) }
    /// See ``View/durableCursor``.
    package var durableCursor: LeafIndex { LeafIndex(durable.load(ordering: .acquiring)) }

    /// Hands over a batch. Batches come in order.
    package func enqueue(_ batch: CommittedBatch) {
        condition.withLock { $0.queue.append(batch) }
    }

    /// Hands over a batch of the journal, in order.
    package func replay(_ batch: CommittedBatch) {
        condition.withLock { $0.replayed.append(batch) }
    }

    /// Says that there is nothing more to be replayed.
    package func endReplay() {
        condition.withLock { $0.isReplaying = false }
    }

    /// Blocks until the view has processed everything below an index, or has ended. For replaying, which would otherwise
    /// queue the whole journal.
    package func waitUntil(processed index: LeafIndex) {
        condition.wait { $0.isFinished || self.cursor >= index ? () : nil }
    }

    /// Lets the view finish what is queued, unless it still waits for what is replayed, then ends its thread. Blocks until then.
    package func stop() {
        condition.withLock { $0.isStopping = true }
        condition.wait { $0.isFinished ? () : nil }
    }

    private func run(_ view: any View) throws {
        var nextTick = ContinuousClock.now + .milliseconds(Self.tickMilliseconds)
        while true {
            var (batches, isStopping) = condition.take(until: nextTick) { $0.take() } ?? ([], false)
            let isIdle = batches.isEmpty
            batches.reverse()
            // Each is let go of when it is done: its room in intake's budget is what the next sender waits for.
            while let batch = batches.popLast() {
                guard batch.endIndex > view.cursor else { continue }
                try view.process(batch)
                // Under the lock, so that nobody who waits for it misses it.
                condition.withLock { _ in processed.store(view.cursor.rawValue, ordering: .releasing) }
            }
            if ContinuousClock.now >= nextTick || isStopping {
                try view.tick()
                nextTick = ContinuousClock.now + .milliseconds(Self.tickMilliseconds)
            }
            durable.store(view.durableCursor.rawValue, ordering: .releasing)
            guard isStopping, isIdle else { continue }
            try view.finish()
            durable.store(view.durableCursor.rawValue, ordering: .releasing)
            return
        }
    }
}

/// Carries a view to its thread.
///
/// `@unchecked Sendable` holds because the box is made with a view that nobody else keeps (`sending`), and is read once,
/// by the one thread that then owns the view.
private final class ViewBox: @unchecked Sendable {
    let view: any View
    init(_ view: any View) { self.view = view }
}
