package import EventModel
package import GRDB

/// Something that must change together with the alerts, such as the outbox of notifications.
package protocol AlertObserver: Sendable {
    /// Called inside the transaction that changed the alerts. Throwing undoes it.
    func alertsChanged(_ transitions: [AlertTransition], in db: Database) throws
}

/// The alerts and how far detection has come, in the state database.
///
/// Alerts and the cursor change in one transaction, so that a crash never loses or doubles an event's effect. All
/// methods block on the database for a moment; they are safe to call from any thread.
package struct AlertStore: Sendable {
    /// Events that one alert lists. A rule that matches everything would otherwise fill the disk; what is over is
    /// counted, and a search by the rule's terms finds it.
    package static let maximumEvidence: Int64 = 1_000
    /// Alerts on one page.
    package static let maximumPage = 1_000
    /// Bytes of a comment: text for people, not a store of its own.
    package static let maximumCommentBytes = 16_384

    let writer: any DatabaseWriter
    let observers: [any AlertObserver]
    let now: @Sendable () -> Timestamp

    /// - Parameter writer: A database whose migrations include ``AlertSchema/registerMigrations(in:)``.
    package init(
        _ writer: any DatabaseWriter, observers: [any AlertObserver] = [], now: @escaping @Sendable () -> Timestamp
    ) {
        self.writer = writer
        self.observers = observers
        self.now = now
    }

    // MARK: Progress

    /// The next leaf that detection has to look at.
    package func cursor() throws -> LeafIndex { try writer.read(Self.cursor) }

    /// The stored state of operators; nil when there is none.
    package func checkpoint() throws -> DetectionCheckpoint? { try writer.read(DetectionCheckpoint.read) }

    /// Stores a state of operators without moving the cursor.
    package func save(_ checkpoint: DetectionCheckpoint) throws { try writer.write(checkpoint.write) }

    static func cursor(_ db: Database) throws -> LeafIndex {
        let value = try Int64.fetchOne(db, sql: "SELECT next_leaf FROM detection_cursor") ?? 0
        return LeafIndex(UInt64(bitPattern: value))
    }

    // MARK: Reading

    /// Alerts that a filter lets through, newest first.
    /// - Parameter before: ``AlertPage/next`` of the page before.
    package func list(_ filter: AlertFilter = AlertFilter(), before: Int64? = nil, limit: Int = 100) throws -> AlertPage
    {
        guard (1...Self.maximumPage).contains(limit) else {
            throw DetectionError(.invalidRequest, "a page has 1 to \(Self.maximumPage) alerts")
        }
        var conditions: [String] = []
        var arguments: [(any DatabaseValueConvertible)?] = []
        func require(_ condition: String, _ argument: any DatabaseValueConvertible) {
            conditions.append(condition)
            arguments.append(argument)
        }
        if let before { require("sequence < ?", before) }
        if let kind = filter.kind {
            // The plus keeps SQLite from going through all alerts where an index of rules or incidents finds the few.
            let isNarrow = filter.ruleKey != nil || filter.incident != nil
            require(isNarrow ? "+kind = ?" : "kind = ?", kind.rawValue)
        }
        if !filter.statuses.isEmpty {
            let marks = filter.statuses.map { _ in "?" }.joined(separator: ",")
            conditions.append("status IN (\(marks))")
            arguments += filter.statuses.map(\.rawValue).sorted()
        }
        if filter.minimumSeverity > .informational { require("severity >= ?", filter.minimumSeverity.rank) }
        if let key = filter.ruleKey { require("rule_key = ?", key) }
        if let entity = filter.entity { require("entity = ?", entity) }
        if let assignee = filter.assignee { require("assignee = ?", assignee) }
        if let incident = filter.incident { require("incident = ?", incident) }
        if let since = filter.seenSince { require("last_seen >= ?", since.nanoseconds) }
        let clause = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        arguments.append(limit + 1)
        let statement = StatementArguments(arguments)
        let alerts = try writer.read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM alert \(clause) ORDER BY sequence DESC LIMIT ?", arguments: statement
            ).map(Alert.init)
        }
        let page = Array(alerts.prefix(limit))
        return AlertPage(alerts: page, next: alerts.count > limit ? page.last?.sequence : nil)
    }

    /// - Throws: ``DetectionError`` `unknown_alert`.
    package func alert(_ id: String) throws -> Alert { try writer.read { try Self.alert(id, in: $0) } }

    /// The leaf indexes of an alert's events in ascending order, from `after` on.
    package func evidence(of id: String, after: LeafIndex? = nil, limit: Int = 1_000) throws -> [LeafIndex] {
        try writer.read { db in
            let alert = try Self.alert(id, in: db)
            return try Int64.fetchAll(
                db, sql: "SELECT leaf FROM alert_evidence WHERE alert = ? AND leaf > ? ORDER BY leaf LIMIT ?",
                arguments: [alert.sequence, after.map { Int64(bitPattern: $0.rawValue) } ?? -1, limit]
            ).map { LeafIndex(UInt64(bitPattern: $0)) }
        }
    }

    /// What happened to an alert since it was made, in order.
    package func activity(of id: String) throws -> [AlertActivity] {
        try writer.read { db in
            let alert = try Self.alert(id, in: db)
            return try Row.fetchAll(
                db, sql: "SELECT * FROM alert_activity WHERE alert = ? ORDER BY sequence", arguments: [alert.sequence]
            ).compactMap { row in
                AlertTransition.Kind(rawValue: row["kind"]).map {
                    AlertActivity(
                        time: Timestamp(nanoseconds: row["time"]), kind: $0, actor: row["actor"],
                        detail: row["detail"])
                }
            }
        }
    }

    /// Open alerts by severity, signals in all, and silences in force: for metrics.
    package func census() throws -> (open: [Severity: Int], signals: Int, incidents: Int, silences: Int) {
        let time = now()
        return try writer.read { db in
            var open: [Severity: Int] = [:]
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT severity, count(*) AS count FROM alert WHERE status IN ('open', 'acknowledged')
                    AND kind = 'alert' GROUP BY severity
                    """)
            for row in rows { open[Severity(rank: row["severity"])] = row["count"] }
            let signals = try Int.fetchOne(db, sql: "SELECT count(*) FROM alert WHERE kind = 'signal'") ?? 0
            let incidents =
                try Int.fetchOne(
                    db,
                    sql: """
                        SELECT count(DISTINCT incident) FROM alert WHERE status IN ('open', 'acknowledged')
                        AND kind = 'alert'
                        """) ?? 0
            let silences =
                try Int.fetchOne(
                    db, sql: "SELECT count(*) FROM silence WHERE ended IS NULL AND expires > ?",
                    arguments: [time.nanoseconds]) ?? 0
            return (open, signals, incidents, silences)
        }
    }

    static func alert(_ id: String, in db: Database) throws -> Alert {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM alert WHERE id = ?", arguments: [id]) else {
            throw DetectionError(.unknownAlert, "no alert has the id \(id)")
        }
        return try Alert(row: row)
    }
}
