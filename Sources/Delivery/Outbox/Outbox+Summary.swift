package import EventModel
import GRDB

/// How one destination fares, for people.
package struct DestinationSummary: Sendable {
    /// When it took a message last; nil when it took none in the days that the outbox keeps.
    package let delivered: Timestamp?
    /// The message that it refused last, or that is tried again; nil when all is well.
    package let problem: OutboxMessage?
}

extension Outbox {
    /// Messages that wait, among which the one that was tried last is looked for.
    private static let lookedAt = 100

    /// How a destination fares. Cost: some rows of an index, however much waits or was delivered.
    package func summary(of destination: String) throws -> DestinationSummary {
        try writer.read { db in
            let delivered = try Int64.fetchOne(
                db, sql: "SELECT max(updated) FROM delivery_outbox WHERE destination = ? AND state = 'delivered'",
                arguments: [destination])
            let waiting = try Row.fetchOne(
                db,
                sql: """
                    SELECT * FROM (SELECT * FROM delivery_outbox WHERE destination = ? AND state = 'pending'
                    ORDER BY updated DESC LIMIT ?) WHERE attempts > 0 LIMIT 1
                    """, arguments: [destination, Self.lookedAt])
            let failed = try Row.fetchOne(
                db,
                sql: """
                    SELECT * FROM delivery_outbox WHERE destination = ? AND state = 'failed'
                    ORDER BY updated DESC LIMIT 1
                    """, arguments: [destination])
            return DestinationSummary(
                delivered: delivered.map { Timestamp(nanoseconds: $0) },
                problem: (waiting ?? failed).map { OutboxMessage(row: $0) })
        }
    }
}
