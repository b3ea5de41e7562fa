import EventModel
import EventStore
import Intake
import Synchronization

/// Live tail: hands every committed event to whoever follows, as soon as it is durable.
///
/// A follower has a bounded queue. One that reads too slowly loses events and is told how many; it never slows intake.
final class TailHub: Sendable {
    /// Batches queued for one follower. At the full rate of intake that is about a second.
    static let queueLimit = 64
    /// Followers at a time: each costs a look at every event.
    static let followerLimit = 100

    enum Item: Sendable {
        case batch(CommittedBatch)
        /// This many events were skipped, because the follower was too slow.
        case dropped(Int)
        /// Nothing for ``heartbeat``: proxies keep a connection on which something moves, and dead clients are noticed.
        case silence
    }

    /// The longest silence towards a follower.
    static let heartbeat = Duration.seconds(15)

    private struct Follower {
        let continuation: AsyncStream<Item>.Continuation
        var dropped = 0
        var lastItem = ContinuousClock.now
    }

    private struct State {
        var followers: [Int: Follower] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    init() {}

    var count: Int { state.withLock { $0.followers.count } }

    /// Follows from now on; nil when there are too many followers. The stream ends when its reader is cancelled.
    func follow() -> AsyncStream<Item>? {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Item.self, bufferingPolicy: .bufferingOldest(Self.queueLimit))
        let number = state.withLock { state -> Int? in
            guard state.followers.count < Self.followerLimit else { return nil }
            state.next += 1
            state.followers[state.next] = Follower(continuation: continuation)
            return state.next
        }
        guard let number else { return nil }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.followers.removeValue(forKey: number) }
        }
        return stream
    }

    /// Hands a batch to every follower.
    func publish(_ batch: CommittedBatch, now: ContinuousClock.Instant = .now) {
        update { follower in
            if follower.dropped > 0, follower.continuation.yield(.dropped(follower.dropped)).isTaken {
                follower.dropped = 0
            }
            if follower.dropped > 0 || !follower.continuation.yield(.batch(batch)).isTaken {
                follower.dropped += batch.count
            }
            follower.lastItem = now
        }
    }

    /// Breaks silences that have become too long.
    func tick(now: ContinuousClock.Instant = .now) {
        update { follower in
            guard now - follower.lastItem >= Self.heartbeat else { return }
            follower.continuation.yield(.silence)
            follower.lastItem = now
        }
    }

    private func update(_ body: (inout Follower) -> Void) {
        state.withLock { state in
            for (number, follower) in state.followers {
                var follower = follower
                body(&follower)
                state.followers[number] = follower
            }
        }
    }

    /// Ends all followers' streams.
    func stop() {
        let followers = state.withLock { state in Array(state.followers.values) }
        for follower in followers { follower.continuation.finish() }
    }
}

/// Live tail as a view of the ledger: it sees events in order, as the others do, and keeps nothing.
final class TailView: View {
    let name = "tail"
    private(set) var cursor: LeafIndex
    var durableCursor: LeafIndex { cursor }
    private let hub: TailHub

    init(hub: TailHub, from index: LeafIndex) {
        self.hub = hub
        cursor = index
    }

    func process(_ batch: CommittedBatch) throws {
        if hub.count > 0 { hub.publish(batch) }
        cursor = batch.endIndex
    }

    func tick() throws { hub.tick() }
    func finish() throws { hub.stop() }
}

extension AsyncStream.Continuation.YieldResult {
    fileprivate var isTaken: Bool {
        if case .enqueued = self { true } else { false }
    }
}
