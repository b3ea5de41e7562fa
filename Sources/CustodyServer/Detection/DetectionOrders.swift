import EventStore
import Synchronization

/// What detection has to forget; its owner does it between its other work.
final class DetectionOrders: Sendable {
    struct Order: Sendable {
        let leaves: LeafRanges
        let completion: @Sendable (Result<Void, any Error>) -> Void
    }

    private struct State {
        var waiting: [Order] = []
        var isClosed = false
    }

    private let state = Mutex(State())

    init() {}

    /// Gives an order and waits until neither the memory of detectors nor its stored copy has values of these events.
    ///
    /// - Throws: `CancellationError` when detection ends before that: the same order can be given to the next process.
    func forgetValues(of leaves: LeafRanges) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let order = Order(leaves: leaves) { continuation.resume(with: $0) }
            let isClosed = state.withLock { state in
                if !state.isClosed { state.waiting.append(order) }
                return state.isClosed
            }
            if isClosed { order.completion(.failure(CancellationError())) }
        }
    }

    /// Hands over what waits.
    func take() -> [Order] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    /// Lets nothing wait any more.
    func close() {
        let left = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for order in left { order.completion(.failure(CancellationError())) }
    }
}
