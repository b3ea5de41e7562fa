package import Detection
import Foundation
import GRDB

extension Outbox {
    /// Takes the values of destroyed groups out of messages about alerts and incidents. What waits, or may be sent again, is made anew from the alert as it is now, under the same
    /// message id; of what was delivered nothing is kept but that it was.
    ///
    /// Called after the alerts themselves were changed. A message that a sender has in its hands may still go out.
    /// - Returns: the number of messages that were changed.
    @discardableResult
    package func redact(about subjects: AlertSubjects) throws -> Int {
        let destinations = Dictionary(destinations().map { ($0.name, $0) }) { first, _ in first }
        var changed = 0
        try writer.writeWithoutTransaction { db in
            // Otherwise old values stay in free pages.
            try db.execute(sql: "PRAGMA secure_delete = ON")
            try db.inTransaction {
                for id in subjects.alerts {
                    let alert = try AlertStore.storedAlert(id, in: db)
                    changed += try replace(id, destinations, in: db) { _ in
                        alert.map { NotificationContent($0, .updated, at: now()) }
                    }
                }
                for id in subjects.incidents {
                    let alerts = try AlertStore.alerts(ofIncident: id, limit: AlertStore.maximumPage, in: db)
                    changed += try replace(id, destinations, in: db) { destination in
                        NotificationContent(
                            id, .updated, alerts: alerts.filter(destination.route.wants), time: now())
                    }
                }
                return .commit
            }
            if changed > 0 { _ = try Row.fetchAll(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
        }
        return changed
    }

    private func replace(
        _ subject: String, _ destinations: [String: Destination], in db: Database,
        with content: (Destination) -> NotificationContent?
    ) throws -> Int {
        let rows = try Row.fetchAll(
            db, sql: "SELECT message, destination, state FROM delivery_outbox WHERE alert = ?", arguments: [subject])
        for row in rows {
            let message: String = row["message"]
            let destination = destinations[row["destination"]]
            var body = Data()
            // To a destination that is gone, or of which nothing is left to tell, nothing is sent any more.
            var state = OutboxMessage.State.failed
            if row["state"] == OutboxMessage.State.delivered.rawValue {
                state = .delivered
            } else if let destination, let content = content(destination) {
                body = MessageBody(content: content, destination: destination, message: message).bytes
                state = OutboxMessage.State(rawValue: row["state"]) ?? .failed
            }
            // What a receiver answered can quote what it was sent.
            try db.execute(
                sql: "UPDATE delivery_outbox SET body = ?, state = ?, last_error = NULL WHERE message = ?",
                arguments: [body, state.rawValue, message])
        }
        return rows.count
    }
}
