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
        var isStopping = false
        var isFinished = false
    }

    private let condition = Condition<State>(State())
    private let processed: Atomic<UInt64>
    private let durable: Atomic<UInt64>
    package let name: String

    /// Starts the thread.
    ///
    /// - Parameter makeView: Called once, on the caller's thread; the view then lives on the runner's thread alone.
    /// - Parameter onFailure: Called when the view fails; the process has to end, because a view that skips an event lies.
    package init(_ view: sending any View, onFailure: @escaping @Sendable (any Error) -> Void) {
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

    /// Blocks until the view has processed everything below an index, or failed. For replaying at start, which would
    /// otherwise queue the whole journal.
    package func waitUntil(processed index: LeafIndex) {
        condition.wait { $0.isFinished || self.cursor >= index ? () : nil }
    }

    /// Lets the view finish what is queued, then ends its thread. Blocks until then.
    package func stop() {
        condition.withLock { $0.isStopping = true }
        condition.wait { $0.isFinished ? () : nil }
    }

    private func run(_ view: any View) throws {
        var nextTick = ContinuousClock.now + .milliseconds(Self.tickMilliseconds)
        while true {
            let (batches, isStopping) =
                condition.take(until: nextTick) { state -> ([CommittedBatch], Bool)? in
                    guard !state.queue.isEmpty || state.isStopping else { return nil }
                    defer { state.queue.removeAll() }
                    return (state.queue, state.isStopping)
                } ?? ([], false)
            for batch in batches where batch.endIndex > view.cursor {
                try view.process(batch)
                // Under the lock, so that nobody who waits for it misses it.
                condition.withLock { _ in processed.store(view.cursor.rawValue, ordering: .releasing) }
            }
            if ContinuousClock.now >= nextTick || isStopping {
                try view.tick()
                nextTick = ContinuousClock.now + .milliseconds(Self.tickMilliseconds)
            }
            durable.store(view.durableCursor.rawValue, ordering: .releasing)
            guard isStopping, batches.isEmpty else { continue }
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
