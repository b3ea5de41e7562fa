import Delivery
import Detection
import EventModel
import Foundation
import GRDB
import Logging

/// Webhook notifications as the configuration asks for them; nothing runs when it names none.
struct Notifications {
    let observers: [any AlertObserver]
    let worker: DeliveryWorker?
    /// Nil without destinations.
    let counters: DeliveryCounters?

    init(
        _ configuration: ServerConfiguration, database: any DatabaseWriter, logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) throws {
        let destinations = try configuration.notifications.map { wanted in
            guard let severity = Severity(rawValue: wanted.minimumSeverity) else {
                throw ConfigurationError("notification \(wanted.name): there is no severity \(wanted.minimumSeverity)")
            }
            return try WebhookDestination(
                name: wanted.name, url: wanted.url, secrets: [try WebhookSecret(wanted.secret)],
                minimumSeverity: severity)
        }
        guard !destinations.isEmpty else {
            observers = []
            worker = nil
            counters = nil
            return
        }
        let outbox = Outbox(database, destinations: { destinations }, now: now)
        var allowance = DestinationGuard.Allowance()
        for target in configuration.allowedTargets {
            if let network = NetworkRange(target) {
                allowance.networks.append(network)
            } else {
                allowance.hosts.insert(target)
            }
        }
        observers = [outbox]
        counters = outbox.counters
        worker = DeliveryWorker(
            outbox: outbox, destinations: { destinations }, destinationGuard: DestinationGuard(allowance: allowance),
            transport: HTTPClientTransport(),
            surroundings: .init(
                now: now, sleep: { try await Task.sleep(for: $0) }, random: { Double.random(in: 0..<1) }),
            logger: logger)
    }
}
