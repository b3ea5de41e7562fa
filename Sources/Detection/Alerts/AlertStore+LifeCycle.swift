import EventModel
import GRDB

extension AlertStore {
    /// Changes that an alert keeps: a discussion, not a chat. Closing is always possible.
    package static let maximumActivity = 1_000
    /// Bytes of an assignee's name.
    package static let maximumAssigneeBytes = 256

    /// Says that somebody looks into it. An alert that is acknowledged already stays so and keeps its first assignee.
    /// - Throws: ``DetectionError`` when there is no such alert or it is closed.
    package func acknowledge(_ id: String, by actor: String) throws -> AlertTransition {
        try change(id, .acknowledged, by: actor) { alert, _ in
            try Self.requireNotClosed(alert)
            alert.status = .acknowledged
            alert.assignee = alert.assignee ?? actor
        }
    }

    /// Gives it to somebody, or (with nil) to nobody.
    package func assign(_ id: String, to assignee: String?, by actor: String) throws -> AlertTransition {
        guard assignee.map({ (1...Self.maximumAssigneeBytes).contains($0.utf8.count) }) ?? true else {
            throw DetectionError(.invalidRequest, "an assignee has 1 to \(Self.maximumAssigneeBytes) bytes")
        }
        return try change(id, .assigned, by: actor, detail: assignee) { alert, _ in
            try Self.requireNotClosed(alert)
            alert.assignee = assignee
        }
    }

    /// Adds a remark. Closed alerts take remarks too: what is learned later belongs to them.
    package func comment(_ id: String, _ text: String, by actor: String) throws -> AlertTransition {
        guard (1...Self.maximumCommentBytes).contains(text.utf8.count) else {
            throw DetectionError(.invalidRequest, "a comment has 1 to \(Self.maximumCommentBytes) bytes")
        }
        return try change(id, .commented, by: actor, detail: text) { _, _ in }
    }

    /// Closes it with a verdict. A later match of the same kind opens a new alert.
    package func close(
        _ id: String, verdict: Alert.Verdict, comment: String?, by actor: String
    ) throws -> AlertTransition {
        guard (comment?.utf8.count ?? 0) <= Self.maximumCommentBytes else {
            throw DetectionError(.invalidRequest, "a comment has at most \(Self.maximumCommentBytes) bytes")
        }
        let detail = comment.map { "\(verdict.rawValue): \($0)" } ?? verdict.rawValue
        return try change(id, .closed, by: actor, detail: detail) { alert, _ in
            try Self.requireNotClosed(alert)
            alert.status = .closed
            alert.verdict = verdict
            alert.comment = comment
        }
    }

    /// Takes a verdict back: the alert is open again and takes further matches.
    /// - Throws: ``DetectionError`` when it is not closed, or when another alert took over its matches meanwhile.
    package func reopen(_ id: String, reason: String?, by actor: String) throws -> AlertTransition {
        guard (reason?.utf8.count ?? 0) <= Self.maximumCommentBytes else {
            throw DetectionError(.invalidRequest, "a comment has at most \(Self.maximumCommentBytes) bytes")
        }
        return try change(id, .reopened, by: actor, detail: reason) { alert, db in
            guard alert.status == .closed else {
                throw DetectionError(.invalidTransition, "the alert \(alert.id) is not closed")
            }
            let successor = try String.fetchOne(
                db, sql: "SELECT id FROM alert WHERE fingerprint = ? AND status <> 'closed' AND sequence <> ? LIMIT 1",
                arguments: [alert.fingerprint, alert.sequence])
            if let successor {
                throw DetectionError(
                    .invalidTransition, "the alert \(successor) took over from \(alert.id); work there")
            }
            alert.status = .open
            alert.verdict = nil
        }
    }

    private static func requireNotClosed(_ alert: Alert) throws {
        guard alert.status != .closed else {
            throw DetectionError(.invalidTransition, "the alert \(alert.id) is closed")
        }
    }

    private func change(
        _ id: String, _ kind: AlertTransition.Kind, by actor: String, detail: String? = nil,
        _ body: (inout Alert, Database) throws -> Void
    ) throws -> AlertTransition {
        let time = now()
        return try writer.write { db in
            var alert = try Self.alert(id, in: db)
            try body(&alert, db)
            alert.updated = time
            try Self.note(kind, of: alert.sequence, by: actor, detail: detail, at: time, in: db)
            try db.execute(
                sql: """
                    UPDATE alert SET status = ?1, assignee = ?2, verdict = ?3, comment = ?4, updated = ?5,
                    closed_before = CASE WHEN ?1 <> 'closed' THEN NULL WHEN closed_before IS NULL THEN ?6
                    ELSE closed_before END WHERE sequence = ?7
                    """,
                arguments: [
                    alert.status.rawValue, alert.assignee, alert.verdict?.rawValue, alert.comment, time.nanoseconds,
                    Int64(bitPattern: try Self.cursor(db).rawValue), alert.sequence,
                ])
            let transition = AlertTransition(kind: kind, alert: alert, actor: actor, time: time, detail: detail)
            for observer in observers { try observer.alertsChanged([transition], in: db) }
            return transition
        }
    }

    static func note(
        _ kind: AlertTransition.Kind, of alert: Int64, by actor: String?, detail: String?, at time: Timestamp,
        in db: Database
    ) throws {
        let noted =
            try Int.fetchOne(db, sql: "SELECT count(*) FROM alert_activity WHERE alert = ?", arguments: [alert]) ?? 0
        guard noted < maximumActivity || kind == .closed else {
            throw DetectionError(.invalidTransition, "the alert holds \(maximumActivity) remarks and changes already")
        }
        try db.execute(
            sql: "INSERT INTO alert_activity (alert, time, kind, actor, detail) VALUES (?, ?, ?, ?, ?)",
            arguments: [alert, time.nanoseconds, kind.rawValue, actor, detail])
    }
}
