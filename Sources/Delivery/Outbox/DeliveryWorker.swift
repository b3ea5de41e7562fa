package import EventModel
import Foundation
package import Logging
import Synchronization

/// Empties the outbox: signs, vets the destination, sends, and records what came of it.
package struct DeliveryWorker: Sendable {
    /// Messages on their way at the same time.
    package static let concurrency = 8
    /// Messages taken from the outbox in one pass.
    private static let batch = 64
    /// How long an attempt may take in all.
    private static let timeout: Duration = .seconds(10)
    private static let maximumAnswerBytes = 64 << 10
    /// The longest sleep: new messages need no signal to be found within it.
    private static let idleDelay: Duration = .seconds(1)

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
    private let destinations: @Sendable () -> [WebhookDestination]
    private let destinationGuard: DestinationGuard
    private let transport: any WebhookTransport
    private let policy: RetryPolicy
    private let surroundings: Surroundings
    private let logger: Logger

    package init(
        outbox: Outbox, destinations: @escaping @Sendable () -> [WebhookDestination],
        destinationGuard: DestinationGuard, transport: any WebhookTransport, policy: RetryPolicy = RetryPolicy(),
        surroundings: Surroundings, logger: Logger
    ) {
        self.outbox = outbox
        self.destinations = destinations
        self.destinationGuard = destinationGuard
        self.transport = transport
        self.policy = policy
        self.surroundings = surroundings
        self.logger = logger
    }

    /// Works until its task is cancelled. Faults of the database are logged and tried again.
    package func run() async {
        var passes = 0
        while !Task.isCancelled {
            do {
                let sent = try await deliverDue()
                passes += 1
                if passes % 3_600 == 1 { try outbox.removeSettled() }
                if sent < Self.batch { try await surroundings.sleep(Self.idleDelay) }
            } catch is CancellationError {
                return
            } catch {
                logger.error("notifications cannot be read", metadata: ["error": "\(error)"])
                // The same pause; a second failure to sleep means that the task was cancelled.
                guard (try? await surroundings.sleep(Self.idleDelay)) != nil else { return }
            }
        }
    }

    /// Attempts every message whose time has come, a few at once. Returns how many there were.
    @discardableResult
    package func deliverDue() async throws -> Int {
        let due = try outbox.due(limit: Self.batch)
        let destinations = Dictionary(destinations().map { ($0.name, $0) }) { first, _ in first }
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

    private func attempt(_ notification: OutboxMessage, _ destination: WebhookDestination?) async throws {
        guard let destination else {
            try giveUp(notification, "the destination \(notification.destination) is not configured any more")
            return
        }
        do {
            let answer = try await send(notification, to: destination)
            switch answer.status {
            case 200..<300:
                outbox.counters.delivered.add(1, ordering: .relaxed)
                try outbox.settle(notification, .delivered)
            case 410: try giveUp(notification, "the receiver answered 410 Gone")
            default: try postpone(notification, "the receiver answered \(answer.status)", answer.retryAfter)
            }
        } catch let error as DeliveryError {
            switch error.code {
            case .forbiddenAddress, .invalidDestination: try giveUp(notification, error.reason)
            default: try postpone(notification, error.reason, nil)
            }
        }
    }

    private func send(_ notification: OutboxMessage, to destination: WebhookDestination) async throws -> WebhookAnswer {
        let address = try await destinationGuard.vet(destination.url)
        // The time of this attempt, not of the event: receivers refuse old ones as replays.
        let timestamp = surroundings.now().seconds
        let signatures = destination.secrets.map {
            $0.signature(id: notification.message, timestamp: timestamp, body: notification.body)
        }
        return try await transport.send(
            WebhookRequest(
                url: destination.url, address: address,
                headers: [
                    ("content-type", "application/json"), ("user-agent", "Custody"),
                    ("webhook-id", notification.message),
                    ("webhook-timestamp", String(timestamp)), ("webhook-signature", signatures.joined(separator: " ")),
                ],
                body: notification.body, timeout: Self.timeout, maximumAnswerBytes: Self.maximumAnswerBytes))
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
