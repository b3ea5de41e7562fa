import Detection
import EventModel
import GRDB

/// Grouping with the timers of Alertmanager: the first message about an incident waits for what follows at once, news of
/// it comes at intervals, and what nobody acknowledges is told again.
extension Outbox {
    /// Groups whose time has come that are made into messages in one transaction.
    private static let groupBatch = 64

    /// Notes that there is news of an incident.
    func schedule(
        _ incident: String, at destination: Destination, _ grouping: Destination.Grouping, in db: Database
    ) throws {
        let time = now()
        let sent =
            try Row.fetchOne(
                db, sql: "SELECT sent FROM delivery_group WHERE destination = ? AND incident = ?",
                arguments: [destination.name, incident])?["sent"] as Int64?
        let due =
            sent.map {
                max(time.nanoseconds, Timestamp(nanoseconds: $0).advanced(byNanoseconds: grouping.interval).nanoseconds)
            }
            ?? time.advanced(byNanoseconds: grouping.wait).nanoseconds
        try db.execute(
            sql: """
                INSERT INTO delivery_group (destination, incident, due, sent, changes) VALUES (?1, ?2, ?3, NULL, 1)
                ON CONFLICT (destination, incident) DO UPDATE SET changes = changes + 1,
                due = CASE WHEN due IS NULL OR due > ?3 THEN ?3 ELSE due END
                """, arguments: [destination.name, incident, due])
    }

    /// Makes messages of the groups whose time has come. Returns how many groups there were.
    @discardableResult
    package func flushGroups() throws -> Int {
        let time = now()
        let destinations = Dictionary(destinations().map { ($0.name, $0) }) { first, _ in first }
        let isAnyDue = try writer.read { db in
            try Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM delivery_group WHERE due <= ?)", arguments: [time.nanoseconds])
        }
        guard isAnyDue == true else { return 0 }
        return try writer.write { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT * FROM delivery_group WHERE due <= ? ORDER BY due LIMIT ?",
                arguments: [time.nanoseconds, Self.groupBatch])
            var room = try room(in: db)
            for row in rows {
                try flush(row, destinations[row["destination"]], at: time, room: &room, in: db)
            }
            return rows.count
        }
    }

    private func flush(
        _ row: Row, _ destination: Destination?, at time: Timestamp, room: inout Int, in db: Database
    ) throws {
        let (name, incident): (String, String) = (row["destination"], row["incident"])
        let sent: Int64? = row["sent"]
        let occasion: NotificationContent.Occasion =
            sent == nil ? .opened : (row["changes"] as Int64) > 0 ? .updated : .reminder
        let alerts = try AlertStore.alerts(ofIncident: incident, limit: AlertStore.maximumPage, in: db)
        guard let destination, let grouping = destination.grouping,
            let content = NotificationContent(
                incident, occasion, alerts: alerts.filter(destination.route.wants), time: time),
            // What was settled before anybody was told needs no telling.
            sent != nil || content.status != .closed
        else { return try forget(name, incident, in: db) }
        // Somebody who is at work on it needs no reminders.
        guard occasion != .reminder || content.status == .open else {
            return try db.execute(
                sql: "UPDATE delivery_group SET due = NULL WHERE destination = ? AND incident = ?",
                arguments: [name, incident])
        }
        try insert(content, for: destination, room: &room, in: db)
        guard content.status != .closed else { return try forget(name, incident, in: db) }
        let next =
            grouping.repetition > 0 && content.status == .open
            ? time.advanced(byNanoseconds: grouping.repetition).nanoseconds : nil
        try db.execute(
            sql: "UPDATE delivery_group SET due = ?, sent = ?, changes = 0 WHERE destination = ? AND incident = ?",
            arguments: [next, time.nanoseconds, name, incident])
    }

    private func forget(_ destination: String, _ incident: String, in db: Database) throws {
        try db.execute(
            sql: "DELETE FROM delivery_group WHERE destination = ? AND incident = ?",
            arguments: [destination, incident])
    }
}
