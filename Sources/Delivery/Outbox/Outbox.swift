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
    let destinations: @Sendable () -> [Destination]
    let now: @Sendable () -> Timestamp
    private let maximumPending: Int
    package let counters = DeliveryCounters()

    /// - Parameters:
    ///   - writer: A database whose migrations include ``OutboxSchema/registerMigrations(in:)``; the alerts' own.
    ///   - destinations: The destinations in force, asked at every change.
    package init(
        _ writer: any DatabaseWriter, destinations: @escaping @Sendable () -> [Destination],
        now: @escaping @Sendable () -> Timestamp, maximumPending: Int = Outbox.maximumPending
    ) {
        self.writer = writer
        self.destinations = destinations
        self.now = now
        self.maximumPending = maximumPending
    }

    // MARK: Filling

    package func alertsChanged(_ transitions: [AlertTransition], in db: Database) throws {
        counters.silenced.add(transitions.count { $0.silence != nil }, ordering: .relaxed)
        let destinations = destinations()
        guard destinations.contains(where: { transitions.contains(where: $0.route.wants) }) else { return }
        var room = try room(in: db)
        for transition in transitions {
            for destination in destinations where destination.route.wants(transition) {
                if let grouping = destination.grouping, let incident = transition.alert.incident {
                    try schedule(incident, at: destination, grouping, in: db)
                } else if let content = NotificationContent(transition) {
                    try insert(content, for: destination, room: &room, in: db)
                }
            }
        }
    }

    /// How many more messages may wait.
    func room(in db: Database) throws -> Int {
        maximumPending
            - (try Int.fetchOne(db, sql: "SELECT count(*) FROM delivery_outbox WHERE state = 'pending'") ?? 0)
    }

    func insert(
        _ content: NotificationContent, for destination: Destination, room: inout Int, in db: Database
    ) throws {
        guard room > 0 else {
            counters.dropped.add(1, ordering: .relaxed)
            return
        }
        room -= 1
        let message = Self.messageID(content, destination)
        let body = MessageBody(content: content, destination: destination, message: message).bytes
        let time = now().nanoseconds
        try db.execute(
            sql: """
                INSERT OR IGNORE INTO delivery_outbox
                (message, destination, alert, body, state, attempts, next_attempt, created, updated)
                VALUES (?, ?, ?, ?, 'pending', 0, ?, ?, ?)
                """, arguments: [message, destination.name, content.key, body, time, time, time])
    }

    /// Subject, change and time name the message, so that the same change never makes two.
    static func messageID(_ content: NotificationContent, _ destination: Destination) -> String {
        let name =
            "\(destination.name)\n\(content.key)\n\(content.occasion.rawValue)\n\(content.time.nanoseconds)"
        let digest = SHA256.hash(data: Data(name.utf8)).prefix(16)
        return "msg_" + digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    // MARK: Emptying

    /// Messages whose time has come, the longest waiting first, of one destination or of all. A message waits for those
    /// before it about the same alert or incident at the same destination.
    func due(limit: Int, for destination: String? = nil) throws -> [OutboxMessage] {
        let time = now().nanoseconds
        return try writer.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM delivery_outbox AS message WHERE state = 'pending' AND next_attempt <= ?1
                    AND (?2 IS NULL OR destination = ?2) AND NOT EXISTS (
                        SELECT 1 FROM delivery_outbox AS earlier WHERE earlier.destination = message.destination
                        AND earlier.alert = message.alert AND earlier.state = 'pending'
                        AND earlier.sequence < message.sequence)
                    ORDER BY next_attempt, sequence LIMIT ?3
                    """, arguments: [time, destination, limit]
            ).map(OutboxMessage.init)
        }
    }

    /// The destinations that have messages whose time has come.
    func dueDestinations() throws -> [String] {
        let time = now().nanoseconds
        return try writer.read { db in
            try String.fetchAll(
                db,
                sql: "SELECT DISTINCT destination FROM delivery_outbox WHERE state = 'pending' AND next_attempt <= ?",
                arguments: [time])
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
    package func list(
        _ state: OutboxMessage.State, destination: String? = nil, limit: Int = 100
    ) throws -> [OutboxMessage] {
        try writer.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM delivery_outbox WHERE state = ?1 AND (?2 IS NULL OR destination = ?2)
                    ORDER BY sequence DESC LIMIT ?3
                    """, arguments: [state.rawValue, destination, limit]
            ).map(OutboxMessage.init)
        }
    }

    /// How many messages wait and how many were given up, by destination, and how many incidents wait for their time.
    package func census() throws -> (pending: [String: Int], failed: [String: Int], groups: Int) {
        try writer.read { db in
            var (pending, failed): ([String: Int], [String: Int]) = ([:], [:])
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT destination, sum(state = 'pending') AS pending, sum(state = 'failed') AS failed
                    FROM delivery_outbox WHERE state <> 'delivered' GROUP BY destination
                    """)
            for row in rows {
                pending[row["destination"]] = row["pending"]
                failed[row["destination"]] = row["failed"]
            }
            let groups = try Int.fetchOne(db, sql: "SELECT count(*) FROM delivery_group WHERE due IS NOT NULL") ?? 0
            return (pending, failed, groups)
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

    /// Lets every message to a destination that was given up try again. Returns how many.
    package func retryAll(to destination: String) throws -> Int {
        let time = now().nanoseconds
        return try writer.write { db in
            try db.execute(
                sql: """
                    UPDATE delivery_outbox SET state = 'pending', attempts = 0, next_attempt = ?, updated = ?
                    WHERE destination = ? AND state = 'failed'
                    """, arguments: [time, time, destination])
            return db.changesCount
        }
    }
}
