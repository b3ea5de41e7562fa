import Delivery
import Detection
import EventModel
import Foundation
import GRDB
import Identity
import Logging

/// Notifications: the destinations, what waits for them, and who carries it there.
struct Notifications: Sendable {
    let destinations: DestinationStore
    let outbox: Outbox
    let worker: DeliveryWorker
    /// What keeps requests that others have a say in out of the private network.
    let destinationGuard: DestinationGuard

    /// - Throws: ``ConfigurationError`` for a destination of the configuration file that is not usable.
    init(
        _ configuration: ServerConfiguration, database: any DatabaseWriter, box: SecretBox, logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) throws {
        do {
            destinations = try DestinationStore(configured: configuration.notifications, database: database, box: box)
        } catch let error as DeliveryError {
            throw ConfigurationError("notifications: \(error.reason)")
        }
        outbox = Outbox(
            database, destinations: { [destinations] in destinations.list().map(\.destination) }, now: now)
        var allowance = DestinationGuard.Allowance()
        for target in configuration.allowedTargets {
            if let network = NetworkRange(target) {
                allowance.networks.append(network)
            } else {
                allowance.hosts.insert(target.lowercased())
            }
        }
        destinationGuard = DestinationGuard(allowance: allowance)
        worker = DeliveryWorker(
            outbox: outbox, senders: DestinationSenders(destinationGuard: destinationGuard),
            surroundings: .init(
                now: now, sleep: { try await Task.sleep(for: $0) }, random: { Double.random(in: 0..<1) }),
            logger: logger)
    }
}
