package import EventModel
package import Foundation
import GRDB

/// One message for one destination, from the change of an alert until the receiver has it.
package struct OutboxMessage: Hashable, Sendable {
    package enum State: String, Hashable, Sendable {
        case pending
        case delivered
        /// Given up; it stays in the table for people to see and to send again.
        case failed
    }

    package let sequence: Int64
    /// The same at every attempt: by it the receiver knows a repetition.
    package let message: String
    package let destination: String
    /// The alert or incident that it is about: messages about the same one keep their order at a destination.
    package let subject: String
    package let body: Data
    package let state: State
    package let attempts: Int
    package let nextAttempt: Timestamp
    package let lastError: String?
    package let created: Timestamp

    init(row: Row) {
        sequence = row["sequence"]
        message = row["message"]
        destination = row["destination"]
        subject = row["alert"]
        body = row["body"]
        state = State(rawValue: row["state"]) ?? .failed
        attempts = row["attempts"]
        nextAttempt = Timestamp(nanoseconds: row["next_attempt"])
        lastError = row["last_error"]
        created = Timestamp(nanoseconds: row["created"])
    }
}
