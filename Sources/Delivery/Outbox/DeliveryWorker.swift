package import EventModel
import Foundation
package import Logging
import Synchronization

/// Empties the outbox: makes messages of groups whose time has come, sends what is due, and records what came of it.
///
/// Destinations are served apart from each other: one that hangs delays nobody else.
package struct DeliveryWorker: Sendable {
    /// Messages to one destination on their way at the same time.
    package static let concurrency = 4
    /// Destinations served at the same time.
    package static let maximumDestinations = 32
    /// Messages of a destination taken from the outbox in one pass.
    private static let batch = 64
    /// How long an attempt may take in all.
    static let timeout: Duration = .seconds(10)
    /// A mail is a dialogue of a dozen turns.
    static let mailTimeout: Duration = .seconds(30)
    /// The longest sleep: new messages need no signal to be found within it.
    private static let idleDelay: Duration = .milliseconds(500)
    /// Passes between two clearings of settled messages.
    private static let passesBetweenClearings = 7_200

    /// What the worker needs of the world, so that tests can play it.
    package struct Surroundings: Sendable {
        package var now: @Sendable () -> Timestamp
        package var sleep: @Sendable (Duration) async throws -> Void
        /// A number from 0 up to 1.
        package var random: @Sendable () -> Double

        package init(
            now: @escaping @Sendable () -> Timestamp, sleep: @escaping @Sendable (Duration) async throws -> Void,
            random: @escaping @Sendable () -> Double
        ) {
            self.now = now
            self.sleep = sleep
            self.random = random
        }
    }

    private let outbox: Outbox
    private let senders: DestinationSenders
    private let policy: RetryPolicy
    private let surroundings: Surroundings
    private let logger: Logger

    package init(
        outbox: Outbox, senders: DestinationSenders, policy: RetryPolicy = RetryPolicy(), surroundings: Surroundings,
        logger: Logger
    ) {
        self.outbox = outbox
        self.senders = senders
        self.policy = policy
        self.surroundings = surroundings
        self.logger = logger
    }

    /// Works until its task is cancelled. Faults of the database are logged and tried again.
    package func run() async {
        let busy = BusyDestinations()
        await withDiscardingTaskGroup { group in
            var passes = 0
            while !Task.isCancelled {
                do {
                    if passes % Self.passesBetweenClearings == 0 { try outbox.removeSettled() }
                    passes += 1
                    try outbox.flushGroups()
                    for name in try outbox.dueDestinations() where busy.begin(name, limit: Self.maximumDestinations) {
                        group.addTask {
                            await serve(name)
                            busy.end(name)
                        }
                    }
                } catch {
                    logger.error("notifications cannot be read", metadata: ["error": "\(error)"])
                }
                guard (try? await surroundings.sleep(Self.idleDelay)) != nil else { break }
            }
            group.cancelAll()
        }
    }

    private func serve(_ destination: String) async {
        do {
            while try await deliverDue(to: destination) == Self.batch, !Task.isCancelled {}
        } catch is CancellationError {
            // The server stops; what was under way is sent again after its next start.
        } catch {
            logger.error(
                "notifications cannot be settled", metadata: ["destination": "\(destination)", "error": "\(error)"])
        }
    }

    /// Makes messages of due groups and attempts every message whose time has come. Returns how many there were.
    @discardableResult
    package func deliverDue() async throws -> Int {
        try outbox.flushGroups()
        return try await deliver(try outbox.due(limit: Self.batch))
    }

    private func deliverDue(to destination: String) async throws -> Int {
        try await deliver(try outbox.due(limit: Self.batch, for: destination))
    }

    private func deliver(_ due: [OutboxMessage]) async throws -> Int {
        let destinations = Dictionary(outbox.destinations().map { ($0.name, $0) }) { first, _ in first }
        try await withThrowingTaskGroup(of: Void.self) { group in
            var waiting = due[...]
            for _ in 0..<min(Self.concurrency, due.count) {
                guard let next = waiting.popFirst() else { break }
                group.addTask { try await attempt(next, destinations[next.destination]) }
            }
            while try await group.next() != nil {
                guard let next = waiting.popFirst() else { continue }
                group.addTask { try await attempt(next, destinations[next.destination]) }
            }
        }
        return due.count
    }

    private func attempt(_ notification: OutboxMessage, _ destination: Destination?) async throws {
        guard let destination else {
            try giveUp(notification, "the destination \(notification.destination) is not configured any more")
            return
        }
        do {
            switch try await senders.send(notification.message, notification.body, to: destination, surroundings.now())
            {
            case .delivered(let remark):
                outbox.counters.delivered.add(1, ordering: .relaxed)
                try outbox.settle(notification, .delivered, error: remark)
            case .rejected(let reason): try giveUp(notification, reason)
            case .postponed(let reason, let retryAfter): try postpone(notification, reason, retryAfter)
            }
        } catch let error as DeliveryError {
            switch error.code {
            case .forbiddenAddress, .invalidDestination, .rejected: try giveUp(notification, error.reason)
            default: try postpone(notification, error.reason, nil)
            }
        }
    }

    /// Sends a message that says it is a test, once and now.
    /// - Throws: ``DeliveryError`` that says why it was not taken.
    package func test(_ destination: Destination) async throws {
        let content = NotificationContent.test(at: surroundings.now())
        let message = Outbox.messageID(content, destination)
        let body = MessageBody(content: content, destination: destination, message: message).bytes
        switch try await senders.send(message, body, to: destination, surroundings.now()) {
        case .delivered(nil): return
        case .delivered(let remark?): throw DeliveryError(.rejected, remark)
        case .rejected(let reason): throw DeliveryError(.rejected, reason)
        case .postponed(let reason, _): throw DeliveryError(.badAnswer, reason)
        }
    }

    private func postpone(_ notification: OutboxMessage, _ reason: String, _ retryAfter: Int?) throws {
        let attempt = notification.attempts + 1
        guard attempt < policy.maximumAttempts else {
            try giveUp(notification, "\(reason); given up after \(attempt) attempts")
            return
        }
        outbox.counters.retried.add(1, ordering: .relaxed)
        let delay = policy.delay(afterAttempt: attempt, retryAfter: retryAfter, random: surroundings.random())
        try outbox.settle(
            notification, .pending, error: reason, next: surroundings.now().advanced(byNanoseconds: delay))
    }

    private func giveUp(_ notification: OutboxMessage, _ reason: String) throws {
        outbox.counters.failed.add(1, ordering: .relaxed)
        logger.warning(
            "notification given up",
            metadata: [
                "message": "\(notification.message)", "destination": "\(notification.destination)",
                "reason": "\(reason)",
            ])
        try outbox.settle(notification, .failed, error: reason)
    }
}

/// The destinations that are being served.
private final class BusyDestinations: Sendable {
    private let names = Mutex<Set<String>>([])

    /// False when it is being served already, or too many are.
    func begin(_ name: String, limit: Int) -> Bool { names.withLock { $0.count < limit && $0.insert(name).inserted } }
    func end(_ name: String) { names.withLock { _ = $0.remove(name) } }
}
