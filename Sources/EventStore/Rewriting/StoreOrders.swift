import EventModel
import Synchronization

/// What others want the store to destroy; its owner does it between its other work.
package final class StoreOrders: Sendable {
    enum Order: Sendable {
        case destroy(Destroying)
        case begin(source: String, @Sendable (Result<OverlayDraft, any Error>) -> Void)
        case publish(OverlayDraft, @Sendable (Result<Void, any Error>) -> Void)
        case abandon(OverlayDraft)

        /// Tells whoever gave the order that it is not done.
        func refuse(_ error: any Error) {
            switch self {
            case .destroy(let order): order.completion(.failure(error))
            case .begin(_, let completion): completion(.failure(error))
            case .publish(let draft, let completion):
                try? draft.abandon()
                completion(.failure(error))
            case .abandon(let draft): try? draft.abandon()
            }
        }
    }

    struct Destroying: Sendable {
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
        give(.destroy(Destroying(change: change, completion: completion)))
    }

    // MARK: Reading again

    /// Begins a new reading of a source's history, of everything that is below the store's next leaf.
    ///
    /// - Throws: `refused` when there is a draft already or the store is closing, and what keeps rows in memory from being written.
    package func beginOverlay(of source: String) async throws -> OverlayDraft {
        try await withCheckedThrowingContinuation { continuation in
            give(.begin(source: source) { continuation.resume(with: $0) })
        }
    }

    /// Makes a draft the reading that searches see, in the place of what the source had before.
    ///
    /// - Throws: `refused` when events were destroyed since it began, or the store is closing; the disk's errors. Searches see what
    ///   they saw before then, and the draft's files are gone.
    package func publish(_ draft: OverlayDraft) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            give(.publish(draft) { continuation.resume(with: $0) })
        }
    }

    /// Lets go of a draft.
    package func abandon(_ draft: OverlayDraft) { give(.abandon(draft)) }

    func give(_ order: Order) { waiting.withLock { $0.append(order) } }

    func next() -> Order? { waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
}
