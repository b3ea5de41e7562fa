import EventModel
import Synchronization

/// What others want the store to destroy; its owner does it between its other work.
package final class StoreOrders: Sendable {
    struct Order: Sendable {
        let change: SegmentRewrite
        let completion: @Sendable (Result<Int, any Error>) -> Void
    }

    private let waiting = Mutex<[Order]>([])

    init() {}

    /// Gives an order and waits until it is done: everything below the store's next leaf is in durable segments then, and no
    /// file, and no snapshot that is taken from now on, holds what was to go.
    ///
    /// - Returns: the number of files that were rewritten or removed.
    /// - Throws: `damaged` when a segment that is concerned cannot be read, `refused` when the store is closing, and the
    ///   disk's errors. Whatever was done before stays done; the same order can be given again.
    package func destroy(_ change: SegmentRewrite) async throws -> Int {
        try await withCheckedThrowingContinuation { continuation in
            submit(change) { continuation.resume(with: $0) }
        }
    }

    /// Gives an order; `completion` is called on the store's thread.
    package func submit(_ change: SegmentRewrite, _ completion: @escaping @Sendable (Result<Int, any Error>) -> Void) {
        waiting.withLock { $0.append(Order(change: change, completion: completion)) }
    }

    func next() -> Order? { waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
}
