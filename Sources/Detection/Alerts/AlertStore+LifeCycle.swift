import EventModel
import GRDB

extension AlertStore {
    /// Says that somebody looks into it. An alert that is acknowledged already stays so and keeps its first assignee.
    /// - Throws: ``DetectionError`` when there is no such alert or it is closed.
    package func acknowledge(_ id: String, by actor: String) throws -> AlertTransition {
        try change(id, .acknowledged, by: actor) { alert in
            try Self.requireNotClosed(alert)
            alert.status = .acknowledged
            alert.assignee = alert.assignee ?? actor
        }
    }

    /// Gives it to somebody, or (with nil) to nobody.
    package func assign(_ id: String, to assignee: String?, by actor: String) throws -> AlertTransition {
        try change(id, .assigned, by: actor) { alert in
            try Self.requireNotClosed(alert)
            alert.assignee = assignee
        }
    }

    /// Closes it with a verdict. A later match of the same kind opens a new alert.
    package func close(
        _ id: String, verdict: Alert.Verdict, comment: String?, by actor: String
    ) throws -> AlertTransition {
        guard (comment?.utf8.count ?? 0) <= Self.maximumCommentBytes else {
            throw DetectionError(.invalidRequest, "a comment has at most \(Self.maximumCommentBytes) bytes")
        }
        return try change(id, .closed, by: actor) { alert in
            try Self.requireNotClosed(alert)
            alert.status = .closed
            alert.verdict = verdict
            alert.comment = comment
        }
    }

    private static func requireNotClosed(_ alert: Alert) throws {
        guard alert.status != .closed else {
            throw DetectionError(.invalidTransition, "the alert \(alert.id) is closed")
        }
    }

    private func change(
        _ id: String, _ kind: AlertTransition.Kind, by actor: String, _ body: (inout Alert) throws -> Void
    ) throws -> AlertTransition {
        let time = now()
        return try writer.write { db in
            var alert = try Self.alert(id, in: db)
            try body(&alert)
            alert.updated = time
            let closedBefore =
                alert.status == .closed ? Int64(bitPattern: try Self.cursor(db).rawValue) : nil
            try db.execute(
                sql: """
                    UPDATE alert SET status = ?, assignee = ?, verdict = ?, comment = ?, updated = ?, closed_before = ?
                    WHERE sequence = ?
                    """,
                arguments: [
                    alert.status.rawValue, alert.assignee, alert.verdict?.rawValue, alert.comment, time.nanoseconds,
                    closedBefore, alert.sequence,
                ])
            let transition = AlertTransition(kind: kind, alert: alert, actor: actor, time: time)
            for observer in observers { try observer.alertsChanged([transition], in: db) }
            return transition
        }
    }
}
