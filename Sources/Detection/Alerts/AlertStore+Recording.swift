import Crypto
package import EventModel
import Foundation
import GRDB

extension AlertStore {
    /// Records what the engine found up to, not including, a leaf, and moves the cursor there.
    ///
    /// A match joins the alert that its rule has open for the same group of values, or opens one. Matches of leaves
    /// before the cursor were recorded before and change nothing. Returns what changed: one transition for each alert.
    /// - Parameter checkpoint: The state of operators at that leaf, to be kept together with it.
    /// - Throws: The database's or an observer's error; then nothing has changed, the cursor included.
    @discardableResult
    package func record(
        _ matches: [RuleMatch], through next: LeafIndex, checkpoint: DetectionCheckpoint? = nil
    ) throws -> [AlertTransition] {
        let time = now()
        return try writer.write { db in
            let cursor = try Self.cursor(db)
            var changed: [Int64: AlertTransition.Kind] = [:]
            var order: [Int64] = []
            for match in matches where match.index >= cursor {
                guard let (sequence, kind) = try Self.record(match, at: time, in: db) else { continue }
                if changed[sequence] == nil {
                    changed[sequence] = kind
                    order.append(sequence)
                }
            }
            try checkpoint?.write(in: db)
            if next > cursor {
                try db.execute(
                    sql: "UPDATE detection_cursor SET next_leaf = ?", arguments: [Int64(bitPattern: next.rawValue)])
            }
            let transitions = try order.compactMap { sequence -> AlertTransition? in
                guard let kind = changed[sequence],
                    let row = try Row.fetchOne(db, sql: "SELECT * FROM alert WHERE sequence = ?", arguments: [sequence])
                else { return nil }
                return AlertTransition(kind: kind, alert: try Alert(row: row), actor: nil, time: time)
            }
            if !transitions.isEmpty {
                for observer in observers { try observer.alertsChanged(transitions, in: db) }
            }
            return transitions
        }
    }

    private static func record(
        _ match: RuleMatch, at time: Timestamp, in db: Database
    ) throws -> (sequence: Int64, kind: AlertTransition.Kind)? {
        let fingerprint = fingerprint(of: match)
        let known = try db.cachedStatement(
            sql: """
                SELECT sequence, count - unlisted_evidence AS listed FROM alert
                WHERE fingerprint = ? AND (status <> 'closed' OR closed_before > ?) ORDER BY sequence LIMIT 1
                """)
        guard let row = try Row.fetchOne(known, arguments: [fingerprint, Int64(bitPattern: match.index.rawValue)])
        else {
            let sequence = try open(match, fingerprint: fingerprint, at: time, in: db)
            return sequence.map { ($0, .opened) }
        }
        let sequence: Int64 = row["sequence"]
        let room = Int(clamping: maximumEvidence - (row["listed"] as Int64))
        var listed = 0
        for leaf in match.evidence.prefix(max(room, 0)) {
            if try addEvidence(match.rule.key, Int64(bitPattern: leaf.rawValue), to: sequence, in: db) { listed += 1 }
        }
        let unlisted = match.evidence.count - min(match.evidence.count, max(room, 0))
        guard listed + unlisted > 0 else { return nil }
        try db.cachedStatement(
            sql: """
                UPDATE alert SET count = count + ?, unlisted_evidence = unlisted_evidence + ?,
                last_seen = max(last_seen, ?), first_seen = min(first_seen, ?), updated = ? WHERE sequence = ?
                """
        ).execute(arguments: [
            listed + unlisted, unlisted, match.time.nanoseconds, match.time.nanoseconds, time.nanoseconds, sequence,
        ])
        return (sequence, .repeated)
    }

    private static func open(
        _ match: RuleMatch, fingerprint: String, at time: Timestamp, in db: Database
    ) throws -> Int64? {
        let leaf = Int64(bitPattern: (match.evidence.first ?? match.index).rawValue)
        // One leaf may speak for several groups, but what was evidence for this one already opens no other alert.
        let isListed = try db.cachedStatement(
            sql: """
                SELECT 1 FROM alert_evidence JOIN alert ON alert.sequence = alert_evidence.alert
                WHERE alert_evidence.rule_key = ? AND leaf = ? AND fingerprint = ?
                """)
        let leaves = match.evidence.prefix(Int(maximumEvidence)).map { Int64(bitPattern: $0.rawValue) }
        let fresh = try leaves.filter {
            try Int64.fetchOne(isListed, arguments: [match.rule.key, $0, fingerprint]) == nil
        }
        guard !fresh.isEmpty else { return nil }
        let id = hex("alert", match.rule.key, fingerprint, String(leaf)).prefix(24)
        let group = match.group.map { AlertGroupValue(name: $0.name, value: $0.value) }
        try db.cachedStatement(
            sql: """
                INSERT INTO alert (id, rule_key, rule_title, rule_hash, severity, tags, runbook, status, first_seen,
                last_seen, count, unlisted_evidence, fingerprint, entity, group_values, explanation, created, updated)
                VALUES (?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            String(id), match.rule.key, match.rule.title, match.rule.hash, match.rule.severity.rank,
            try Alert.encode(match.rule.tags), match.rule.extensions.runbook, match.time.nanoseconds,
            match.time.nanoseconds, fresh.count, fingerprint, match.entity, try Alert.encode(group),
            try Alert.encode(match.explanation), time.nanoseconds, time.nanoseconds,
        ])
        let sequence = db.lastInsertedRowID
        for leaf in fresh { _ = try addEvidence(match.rule.key, leaf, to: sequence, in: db) }
        return sequence
    }

    /// Returns false when the event is evidence for this rule already.
    private static func addEvidence(_ key: String, _ leaf: Int64, to alert: Int64, in db: Database) throws -> Bool {
        try db.cachedStatement(
            sql: "INSERT OR IGNORE INTO alert_evidence (rule_key, leaf, alert) VALUES (?, ?, ?)"
        ).execute(arguments: [key, leaf, alert])
        return db.changesCount > 0
    }

    /// The rule and the values of its group, whatever their letters: the same name in another case is the same name.
    private static func fingerprint(of match: RuleMatch) -> String {
        hex("fingerprint", [match.rule.key] + match.group.flatMap { [$0.name, $0.value.lowercased()] })
    }

    private static func hex(_ label: String, _ parts: String...) -> String { hex(label, parts) }

    private static func hex(_ label: String, _ parts: [String]) -> String {
        var hash = SHA256()
        for part in [label] + parts {
            // Lengths keep parts apart whatever is in them.
            withUnsafeBytes(of: UInt64(part.utf8.count).bigEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: Data(part.utf8))
        }
        return hash.finalize().prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    // MARK: Rebuilding

    /// Prepares for evaluating all leaves again: takes the cursor back and empties the evidence. What people decided
    /// about alerts stays, and events from before an alert was closed go to that alert again.
    package func beginRebuild() throws {
        try writer.write { db in
            try db.execute(
                sql: """
                    DELETE FROM alert_evidence;
                    UPDATE alert SET count = 0, unlisted_evidence = 0;
                    UPDATE detection_cursor SET next_leaf = 0;
                    """)
            try DetectionCheckpoint.delete(in: db)
        }
    }

    /// Removes alerts that the rules of today did not raise again and nobody has touched. Returns how many.
    @discardableResult
    package func finishRebuild() throws -> Int {
        try writer.write { db in
            try db.execute(sql: "DELETE FROM alert WHERE count = 0 AND status = 'open' AND assignee IS NULL")
            return db.changesCount
        }
    }
}
