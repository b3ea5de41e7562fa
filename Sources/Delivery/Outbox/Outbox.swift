import Crypto
package import Detection
package import EventModel
import Foundation
package import GRDB
import Synchronization

/// Notifications that wait for their destinations, in the state database.
///
/// As an ``AlertObserver`` it writes them in the transaction that changes the alert: there is no alert without its
/// notification and none without its alert, whenever the program stops. Delivery is at least once.
package struct Outbox: AlertObserver {
    /// Messages that may wait. A receiver that is away for a week must not fill the disk; what is over is counted by
    /// the metric `custody_notifications_dropped_total`, and the alerts themselves are kept.
    package static let maximumPending = 100_000
    /// How long delivered and failed messages stay to be looked at.
    package static let retention: Int64 = 7 * 86_400 * 1_000_000_000

    let writer: any DatabaseWriter
    private let destinations: @Sendable () -> [WebhookDestination]
    private let now: @Sendable () -> Timestamp
    private let maximumPending: Int
    package let counters = DeliveryCounters()

    /// - Parameters:
    ///   - writer: A database whose migrations include ``OutboxSchema/registerMigrations(in:)``; the alerts' own.
    ///   - destinations: The destinations in force, asked at every change.
    package init(
        _ writer: any DatabaseWriter, destinations: @escaping @Sendable () -> [WebhookDestination],
        now: @escaping @Sendable () -> Timestamp, maximumPending: Int = Outbox.maximumPending
    ) {
        self.writer = writer
        self.destinations = destinations
        self.now = now
        self.maximumPending = maximumPending
    }

    // MARK: Filling

    package func alertsChanged(_ transitions: [AlertTransition], in db: Database) throws {
        let destinations = destinations()
        guard destinations.contains(where: { transitions.contains(where: $0.wants) }) else { return }
        let pending = try Int.fetchOne(db, sql: "SELECT count(*) FROM delivery_outbox WHERE state = 'pending'") ?? 0
        var room = maximumPending - pending
        for transition in transitions {
            for destination in destinations where destination.wants(transition) {
                guard room > 0 else {
                    counters.dropped.add(1, ordering: .relaxed)
                    continue
                }
                room -= 1
                try insert(transition, for: destination, in: db)
            }
        }
    }

    private func insert(_ transition: AlertTransition, for destination: WebhookDestination, in db: Database) throws {
        let alert = transition.alert
        // Alert, change and time name the message, so that the same change never makes two.
        let name = "\(destination.name)\n\(alert.id)\n\(transition.kind.rawValue)\n\(transition.time.nanoseconds)"
        let digest = SHA256.hash(data: Data(name.utf8)).prefix(16)
        let message = "msg_" + digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let time = now().nanoseconds
        try db.execute(
            sql: """
                INSERT OR IGNORE INTO delivery_outbox
                (message, destination, alert, body, state, attempts, next_attempt, created, updated)
                VALUES (?, ?, ?, ?, 'pending', 0, ?, ?, ?)
                """,
            arguments: [message, destination.name, alert.id, Self.body(of: transition), time, time, time])
    }

    /// The message as Standard Webhooks shapes it: `type`, `timestamp`, `data`.
    static func body(of transition: AlertTransition) -> Data {
        var body = Array(
            #"{"type":"alert.\#(transition.kind.rawValue)","timestamp":"\#(transition.time.text)","data":"#.utf8)
        transition.alert.appendJSON(to: &body)
        body.append(UInt8(ascii: "}"))
        return Data(body)
    }

    // MARK: Emptying

    /// Messages whose time has come, the longest waiting first.
    func due(limit: Int) throws -> [OutboxMessage] {
        let time = now().nanoseconds
        return try writer.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM delivery_outbox WHERE state = 'pending' AND next_attempt <= ?
                    ORDER BY next_attempt, sequence LIMIT ?
                    """, arguments: [time, limit]
            ).map(OutboxMessage.init)
        }
    }

    /// When the next message is due; nil when none waits.
    func nextDue() throws -> Timestamp? {
        try writer.read { db in
            try Int64.fetchOne(db, sql: "SELECT min(next_attempt) FROM delivery_outbox WHERE state = 'pending'")
                .map(Timestamp.init(nanoseconds:))
        }
    }

    /// Records an attempt.
    func settle(
        _ notification: OutboxMessage, _ state: OutboxMessage.State, error: String? = nil, next: Timestamp? = nil
    ) throws {
        let time = now()
        try writer.write { db in
            try db.execute(
                sql: """
                    UPDATE delivery_outbox SET state = ?, attempts = attempts + 1, next_attempt = ?, last_error = ?,
                    updated = ? WHERE sequence = ?
                    """,
                arguments: [
                    state.rawValue, (next ?? time).nanoseconds, error.map { String($0.prefix(512)) }, time.nanoseconds,
                    notification.sequence,
                ])
        }
    }

    /// Deletes what was delivered or given up longer ago than ``retention``. Returns how many.
    @discardableResult
    package func removeSettled() throws -> Int {
        let oldest = now().advanced(byNanoseconds: -Self.retention).nanoseconds
        return try writer.write { db in
            try db.execute(
                sql: "DELETE FROM delivery_outbox WHERE state <> 'pending' AND updated < ?", arguments: [oldest])
            return db.changesCount
        }
    }

    // MARK: For people

    /// Messages of a state, newest first.
    package func list(_ state: OutboxMessage.State, limit: Int = 100) throws -> [OutboxMessage] {
        try writer.read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM delivery_outbox WHERE state = ? ORDER BY sequence DESC LIMIT ?",
                arguments: [state.rawValue, limit]
            ).map(OutboxMessage.init)
        }
    }

    /// Lets a message that was given up try again, now.
    /// - Throws: ``DeliveryError`` when no such message has failed.
    package func retry(_ message: String) throws {
        let time = now().nanoseconds
        try writer.write { db in
            try db.execute(
                sql: """
                    UPDATE delivery_outbox SET state = 'pending', attempts = 0, next_attempt = ?, updated = ?
                    WHERE message = ? AND state = 'failed'
                    """, arguments: [time, time, message])
            guard db.changesCount > 0 else {
                throw DeliveryError(.unknownNotification, "no failed notification has the id \(message)")
            }
        }
    }
}
