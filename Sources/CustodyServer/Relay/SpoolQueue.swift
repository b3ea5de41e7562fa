import Dispatch
import Synchronization

/// The one that works on a relay's spool: disk work off the shared threads, and one synchronisation for all that wait.
final class SpoolQueue: Sendable {
    private struct Waiting: Sendable {
        let item: SpoolLog.Item
        let done: @Sendable (Result<Void, any Error>) -> Void
    }

    private struct State {
        var waiting: [Waiting] = []
        var failure: RelayError?
    }

    struct Size: Sendable {
        var waiting: Int
        var bytes: UInt64
        var taken: UInt64
        var next: UInt64
    }

    /// Used on the queue alone.
    private nonisolated(unsafe) let log: SpoolLog
    private let queue = DispatchQueue(label: "custody.relay.spool")
    private let state = Mutex(State())
    private let onFailure: @Sendable (RelayError) -> Void

    /// - Parameter onFailure: Called once, when the disk can no longer be trusted and the process has to end.
    init(_ log: sending SpoolLog, onFailure: @escaping @Sendable (RelayError) -> Void) {
        self.log = log
        self.onFailure = onFailure
    }

    /// Why nothing is taken any more; nil while all is well.
    var failure: RelayError? { state.withLock { $0.failure } }

    /// Returns when the delivery survives power loss.
    ///
    /// - Throws: ``RelayError`` `full` and `failed`.
    func append(_ item: SpoolLog.Item) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let waiting = Waiting(item: item) { continuation.resume(with: $0) }
            let isFirst = state.withLock { state in
                state.waiting.append(waiting)
                return state.waiting.count == 1
            }
            // Those that come while the disk works are the next group.
            if isFirst { queue.async { self.write() } }
        }
    }

    private func write() {
        let (group, failure) = state.withLock { state in
            defer { state.waiting = [] }
            return (state.waiting, state.failure)
        }
        guard failure == nil else {
            for waiting in group { waiting.done(.failure(failure ?? RelayError.failed(""))) }
            return
        }
        do {
            let results = try log.append(group.map(\.item))
            for (waiting, error) in zip(group, results) { waiting.done(error.map { .failure($0) } ?? .success(())) }
        } catch {
            let failure = error as? RelayError ?? RelayError.failed("the spool cannot be written: \(error)")
            fail(failure)
            for waiting in group { waiting.done(.failure(failure)) }
        }
    }

    private func fail(_ failure: RelayError) {
        let isNews = state.withLock { state in
            defer { state.failure = state.failure ?? failure }
            return state.failure == nil
        }
        if isNews { onFailure(failure) }
    }

    /// What a drain is given.
    struct Batch: Sendable {
        let spool: [UInt8]
        let deliveries: [(number: UInt64, sealed: [UInt8])]
        let hasMore: Bool
        let size: Size
    }

    /// Notes what the server has, and hands over what comes behind it.
    ///
    /// - Parameter after: What the server has of which spool; nil at its very first drain.
    func drain(
        after: (spool: [UInt8], number: UInt64, mark: [UInt8])?, bytes: Int
    ) async throws -> Batch {
        try await perform { log in
            var first = log.taken
            if let after, try log.take(through: after.number, mark: after.mark, of: after.spool) {
                first = after.number
            }
            let (found, hasMore) = try log.deliveries(after: first, bytes: bytes)
            return Batch(spool: log.id, deliveries: found, hasMore: hasMore, size: Self.size(of: log))
        }
    }

    func size() async throws -> Size { try await perform { Self.size(of: $0) } }

    private static func size(of log: SpoolLog) -> Size {
        Size(waiting: log.waiting, bytes: log.bytes, taken: log.taken, next: log.next)
    }

    private func perform<Result: Sendable>(_ body: @escaping @Sendable (SpoolLog) throws -> Result) async throws
        -> Result
    {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Result, any Error>) in
            queue.async {
                if let failure = self.failure { return continuation.resume(throwing: failure) }
                do {
                    continuation.resume(returning: try body(self.log))
                } catch {
                    let failure =
                        error as? RelayError ?? RelayError.failed("the spool cannot be read or written: \(error)")
                    // What could not be let go is asked for again; only what was not made durable ends the process.
                    if case .failed = failure { self.fail(failure) }
                    continuation.resume(throwing: failure)
                }
            }
        }
    }
}
