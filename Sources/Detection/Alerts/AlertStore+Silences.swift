import Crypto
package import EventModel
import Foundation
import GRDB

extension AlertStore {
    /// Silences in force at the same time: each is asked about every match.
    package static let maximumSilences = 1_000
    /// The longest silence. Whoever wants one for ever changes the rule.
    package static let longestSilence: Int64 = 366 * 86_400 * 1_000_000_000
    /// Bytes of a silence's reason.
    package static let maximumReasonBytes = 1_024
    /// Alerts that a preview lists; more are counted.
    package static let maximumPreview = 100
    /// Alerts that a preview looks at, newest first.
    static let previewReach = 100_000

    /// Begins a silence.
    /// - Throws: ``DetectionError`` when it covers everything, has no reason, or does not end within ``longestSilence``.
    package func addSilence(
        _ scope: Silence.Scope, reason: String, expires: Timestamp, by author: String
    ) throws -> Silence {
        _ = try SilenceScope(scope)
        let trimmed = reason.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...Self.maximumReasonBytes).contains(trimmed.utf8.count) else {
            throw DetectionError(.invalidRequest, "a silence has a reason of 1 to \(Self.maximumReasonBytes) bytes")
        }
        let time = now()
        guard expires > time, expires <= time.advanced(byNanoseconds: Self.longestSilence) else {
            throw DetectionError(.invalidRequest, "a silence ends within 366 days from now")
        }
        return try writer.write { db in
            let active = try Self.silences(db, activeAt: time)
            guard active.count < Self.maximumSilences else {
                throw DetectionError(.invalidRequest, "\(Self.maximumSilences) silences are in force already; end some")
            }
            let number = (try Int64.fetchOne(db, sql: "SELECT max(sequence) FROM silence") ?? 0) + 1
            let id = String(Self.hex("silence", String(number), author, String(time.nanoseconds)).prefix(16))
            try db.execute(
                sql: """
                    INSERT INTO silence (sequence, id, scope, author, reason, created, expires, hidden)
                    VALUES (?, ?, ?, ?, ?, ?, ?, 0)
                    """,
                arguments: [
                    number, id, try Alert.encode(scope), author, trimmed, time.nanoseconds, expires.nanoseconds,
                ])
            return try Self.silence(id, in: db)
        }
    }

    /// Ends a silence before its time. One that has ended already stays as it is.
    /// - Throws: ``DetectionError`` `unknown_silence`.
    package func endSilence(_ id: String, by actor: String) throws -> Silence {
        let time = now()
        return try writer.write { db in
            let silence = try Self.silence(id, in: db)
            guard silence.isActive(at: time) else { return silence }
            try db.execute(
                sql: "UPDATE silence SET ended = ?, ended_by = ? WHERE id = ?",
                arguments: [time.nanoseconds, actor, id])
            return try Self.silence(id, in: db)
        }
    }

    /// Silences, the newest first; ended ones too when asked for, up to 1,000.
    package func silences(includingEnded: Bool = false) throws -> [Silence] {
        let time = now()
        return try writer.read { db in
            includingEnded ? try Self.silences(db, activeAt: nil) : try Self.silences(db, activeAt: time)
        }
    }

    /// - Throws: ``DetectionError`` `unknown_silence`.
    package func silence(_ id: String) throws -> Silence { try writer.read { try Self.silence(id, in: $0) } }

    /// The alerts of which a silence kept matches from notifications, and how many of each.
    package func hidden(by id: String, limit: Int = 100) throws -> [(alert: Alert, count: Int64)] {
        try writer.read { db in
            _ = try Self.silence(id, in: db)
            return try Row.fetchAll(
                db,
                sql: """
                    SELECT alert.*, silence_hit.count AS hits FROM silence_hit
                    JOIN alert ON alert.sequence = silence_hit.alert WHERE silence_hit.silence = ?
                    ORDER BY silence_hit.last DESC LIMIT ?
                    """, arguments: [id, limit]
            ).map { (try Alert(row: $0), $0["hits"]) }
        }
    }

    /// What a silence would have hidden: the alerts since a moment that it covers, newest first, up to
    /// ``maximumPreview``, and how many alerts and matches there are in all.
    package func preview(
        _ scope: Silence.Scope, since: Timestamp
    ) throws -> (alerts: [Alert], alertCount: Int, matchCount: Int64) {
        let checked = try SilenceScope(scope)
        return try writer.read { db in
            var listed: [Alert] = []
            var (alerts, matches) = (0, Int64(0))
            let rows = try Row.fetchCursor(
                db,
                sql: "SELECT * FROM alert WHERE kind = 'alert' AND last_seen >= ? ORDER BY sequence DESC LIMIT ?",
                arguments: [since.nanoseconds, Self.previewReach])
            while let row = try rows.next() {
                let alert = try Alert(row: row)
                guard checked.covers(alert) else { continue }
                alerts += 1
                matches += alert.count
                if listed.count < Self.maximumPreview { listed.append(alert) }
            }
            return (listed, alerts, matches)
        }
    }

    // MARK: Rows

    static func silences(_ db: Database, activeAt time: Timestamp?) throws -> [Silence] {
        let condition = time == nil ? "" : "WHERE ended IS NULL AND expires > ?"
        return try Row.fetchAll(
            db, sql: "SELECT * FROM silence \(condition) ORDER BY sequence DESC LIMIT \(maximumSilences)",
            arguments: time.map { [$0.nanoseconds] } ?? []
        ).map(silence)
    }

    private static func silence(_ id: String, in db: Database) throws -> Silence {
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM silence WHERE id = ?", arguments: [id]) else {
            throw DetectionError(.unknownSilence, "no silence has the id \(id)")
        }
        return try silence(row)
    }

    private static func silence(_ row: Row) throws -> Silence {
        Silence(
            id: row["id"], scope: try Alert.decode(Silence.Scope.self, row["scope"]), author: row["author"],
            reason: row["reason"], created: Timestamp(nanoseconds: row["created"]),
            expires: Timestamp(nanoseconds: row["expires"]), endedBy: row["ended_by"],
            ended: (row["ended"] as Int64?).map(Timestamp.init(nanoseconds:)), hidden: row["hidden"],
            lastHidden: (row["last_hidden"] as Int64?).map(Timestamp.init(nanoseconds:)))
    }
}
