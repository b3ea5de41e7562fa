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
            var recording = try AlertRecording(time: time, hasMatches: !matches.isEmpty, in: db)
            for match in matches where match.index >= cursor { try recording.record(match, in: db) }
            try checkpoint?.write(in: db)
            if next > cursor {
                try db.execute(
                    sql: "UPDATE detection_cursor SET next_leaf = ?", arguments: [Int64(bitPattern: next.rawValue)])
            }
            let transitions = try recording.transitions(in: db)
            if !transitions.isEmpty {
                for observer in observers { try observer.alertsChanged(transitions, in: db) }
            }
            return transitions
        }
    }

    // MARK: Rebuilding

    /// Prepares for evaluating all leaves again: takes the cursor back and empties the evidence. What people decided
    /// about alerts stays, events from before an alert was closed go to that alert again, and what silences hid stays
    /// as it was counted: they are asked about new leaves only.
    ///
    /// - Parameter isGone: Whether a leaf's event can no longer be judged, because it was destroyed in whole or in part: what
    ///   it was evidence for stays.
    package func beginRebuild(keepingEvidenceOf isGone: (UInt64) -> Bool = { _ in false }) throws {
        try writer.write { db in
            let listed = try Int64.fetchAll(db, sql: "SELECT DISTINCT leaf FROM alert_evidence")
            for leaf in listed where !isGone(UInt64(bitPattern: leaf)) {
                try db.cachedStatement(sql: "DELETE FROM alert_evidence WHERE leaf = ?").execute(arguments: [leaf])
            }
            try db.execute(
                sql: """
                    UPDATE alert SET unlisted_evidence = 0,
                    count = (SELECT count(*) FROM alert_evidence AS evidence WHERE evidence.alert = alert.sequence);
                    UPDATE detection_cursor SET judged_before = max(judged_before, next_leaf), next_leaf = 0;
                    """)
            try DetectionCheckpoint.delete(in: db)
        }
    }

    /// Removes alerts that the rules of today did not raise again and nobody has touched. Returns how many.
    @discardableResult
    package func finishRebuild() throws -> Int {
        try writer.write { db in
            try db.execute(
                sql: """
                    DELETE FROM alert WHERE count = 0 AND status = 'open' AND assignee IS NULL
                    AND NOT EXISTS (SELECT 1 FROM alert_activity WHERE alert = alert.sequence AND actor IS NOT NULL)
                    """)
            return db.changesCount
        }
    }

    static func hex(_ label: String, _ parts: String...) -> String { hex(label, parts) }

    static func hex(_ label: String, _ parts: [String]) -> String {
        var hash = SHA256()
        for part in [label] + parts {
            // Lengths keep parts apart whatever is in them.
            withUnsafeBytes(of: UInt64(part.utf8.count).bigEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: Data(part.utf8))
        }
        return hash.finalize().prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// One transaction's matches on their way into the alerts.
private struct AlertRecording {
    private let time: Timestamp
    /// Silences are asked about leaves from here on.
    private let judgedBefore: LeafIndex
    private let silences: [(id: String, scope: SilenceScope)]
    private var changed: [Int64: (kind: AlertTransition.Kind, silence: String?)] = [:]
    private var order: [Int64] = []

    init(time: Timestamp, hasMatches: Bool, in db: Database) throws {
        self.time = time
        let judged = try Int64.fetchOne(db, sql: "SELECT judged_before FROM detection_cursor") ?? 0
        judgedBefore = LeafIndex(UInt64(bitPattern: judged))
        // Scopes were checked when they were stored.
        silences =
            try !hasMatches
            ? []
            : AlertStore.silences(db, activeAt: time).map { ($0.id, try SilenceScope($0.scope)) }
    }

    mutating func record(_ match: RuleMatch, in db: Database) throws {
        // What a baseline finds while it learns is recorded, and nobody is called.
        let isSignal = match.rule.raisesSignals || match.isLearning
        let silence =
            isSignal || match.index < judgedBefore ? nil : silences.first { $0.scope.covers(match) }?.id
        let fingerprint = Self.fingerprint(of: match, isSignal: isSignal)
        guard let known = try known(fingerprint, match.index, in: db) else {
            guard let opened = try open(match, fingerprint, isSignal: isSignal, in: db) else { return }
            if let silence { try note(silence, on: opened.sequence, events: opened.events, in: db) }
            return note(opened.sequence, .opened, silence)
        }
        let room = max(Int(clamping: AlertStore.maximumEvidence - known.listed), 0)
        var listed = 0
        for leaf in match.evidence.prefix(room) {
            if try addEvidence(match.rule.key, leaf, to: known.sequence, in: db) { listed += 1 }
        }
        let unlisted = match.evidence.count - min(match.evidence.count, room)
        guard listed + unlisted > 0 else { return }
        try db.cachedStatement(
            sql: """
                UPDATE alert SET count = count + ?, unlisted_evidence = unlisted_evidence + ?,
                last_seen = max(last_seen, ?), first_seen = min(first_seen, ?), updated = ? WHERE sequence = ?
                """
        ).execute(arguments: [
            listed + unlisted, unlisted, match.time.nanoseconds, match.time.nanoseconds, time.nanoseconds,
            known.sequence,
        ])
        if let silence {
            try note(silence, on: known.sequence, events: listed + unlisted, in: db)
            note(known.sequence, .repeated, silence)
        } else if known.isHidden {
            try AlertStore.note(.surfaced, of: known.sequence, by: nil, detail: nil, at: time, in: db)
            note(known.sequence, .surfaced, nil)
        } else {
            note(known.sequence, .repeated, nil)
        }
    }

    /// One transition for each alert, in the order in which they were first met.
    func transitions(in db: Database) throws -> [AlertTransition] {
        try order.compactMap { sequence in
            guard let change = changed[sequence],
                let row = try Row.fetchOne(db, sql: "SELECT * FROM alert WHERE sequence = ?", arguments: [sequence])
            else { return nil }
            return AlertTransition(
                kind: change.kind, alert: try Alert(row: row), actor: nil, time: time, silence: change.silence)
        }
    }

    /// The first kind stays, unless a silence hid it and a later match comes through.
    private mutating func note(_ sequence: Int64, _ kind: AlertTransition.Kind, _ silence: String?) {
        guard let earlier = changed[sequence] else {
            changed[sequence] = (kind, silence)
            return order.append(sequence)
        }
        if earlier.silence != nil, silence == nil { changed[sequence] = (earlier.kind, nil) }
    }

    private func note(_ silence: String, on alert: Int64, events: Int, in db: Database) throws {
        try db.cachedStatement(sql: "UPDATE alert SET silenced = silenced + ? WHERE sequence = ?")
            .execute(arguments: [events, alert])
        try db.cachedStatement(sql: "UPDATE silence SET hidden = hidden + 1, last_hidden = ? WHERE id = ?")
            .execute(arguments: [time.nanoseconds, silence])
        try db.cachedStatement(
            sql: """
                INSERT INTO silence_hit (silence, alert, count, last) VALUES (?, ?, 1, ?)
                ON CONFLICT (silence, alert) DO UPDATE SET count = count + 1, last = excluded.last
                """
        ).execute(arguments: [silence, alert, time.nanoseconds])
    }

    private func known(
        _ fingerprint: String, _ leaf: LeafIndex, in db: Database
    ) throws -> (sequence: Int64, listed: Int64, isHidden: Bool)? {
        let statement = try db.cachedStatement(
            sql: """
                SELECT sequence, count - unlisted_evidence AS listed, silenced > 0 AND silenced >= count
                AND NOT EXISTS (SELECT 1 FROM alert_activity WHERE alert = alert.sequence AND kind = 'surfaced')
                AS hidden FROM alert WHERE fingerprint = ? AND (status <> 'closed' OR closed_before > ?)
                ORDER BY sequence LIMIT 1
                """)
        guard let row = try Row.fetchOne(statement, arguments: [fingerprint, Int64(bitPattern: leaf.rawValue)])
        else { return nil }
        return (row["sequence"], row["listed"], row["hidden"])
    }

    private func open(
        _ match: RuleMatch, _ fingerprint: String, isSignal: Bool, in db: Database
    ) throws -> (sequence: Int64, events: Int)? {
        let leaf = Int64(bitPattern: (match.evidence.first ?? match.index).rawValue)
        // One leaf may speak for several groups, but what was evidence for this one already opens no other alert.
        let isListed = try db.cachedStatement(
            sql: """
                SELECT 1 FROM alert_evidence JOIN alert ON alert.sequence = alert_evidence.alert
                WHERE alert_evidence.rule_key = ? AND leaf = ? AND fingerprint = ?
                """)
        let fresh = try match.evidence.prefix(Int(AlertStore.maximumEvidence)).filter { leaf in
            let known = try Int64.fetchOne(
                isListed, arguments: [match.rule.key, Int64(bitPattern: leaf.rawValue), fingerprint])
            return known == nil
        }
        guard !fresh.isEmpty else { return nil }
        let rule = match.rule
        let id = String(AlertStore.hex("alert", rule.key, fingerprint, String(leaf)).prefix(24))
        let group = match.group.map { AlertGroupValue(name: $0.name, value: $0.value) }
        let explanation =
            match.explanation + (match.isLate ? ["completed by an event that came late"] : [])
            + (match.isLearning ? ["found while the baseline was learning"] : [])
        let subject =
            isSignal ? nil : match.entity.isEmpty ? "rule\n\(rule.key)" : "entity\n\(match.entity.lowercased())"
        let incident = try subject.map { subject in
            try AlertStore.openIncident(of: subject, at: match.time, in: db)
                ?? String(AlertStore.hex("incident", id).prefix(24))
        }
        try db.cachedStatement(
            sql: """
                INSERT INTO alert (id, rule_key, rule_title, rule_hash, rule_version, kind, severity, tags, runbook,
                owner, source_kind, source_name, status, first_seen, last_seen, count, unlisted_evidence, fingerprint,
                entity, group_values, explanation, created, updated, subject, incident)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            id, rule.key, rule.title, rule.hash, try AlertStore.version(of: rule, at: time, in: db),
            (isSignal ? Alert.Kind.signal : .alert).rawValue, rule.severity.rank, try Alert.encode(rule.tags),
            rule.extensions.runbook, rule.extensions.owner, match.sourceKind, match.sourceName,
            match.time.nanoseconds, match.time.nanoseconds, fresh.count, fingerprint, match.entity,
            try Alert.encode(group), try Alert.encode(explanation), time.nanoseconds, time.nanoseconds, subject,
            incident,
        ])
        let sequence = db.lastInsertedRowID
        for leaf in fresh { _ = try addEvidence(rule.key, leaf, to: sequence, in: db) }
        return (sequence, fresh.count)
    }

    /// Returns false when the event is evidence for this rule already.
    private func addEvidence(_ rule: String, _ leaf: LeafIndex, to alert: Int64, in db: Database) throws -> Bool {
        try db.cachedStatement(
            sql: "INSERT OR IGNORE INTO alert_evidence (rule_key, leaf, alert) VALUES (?, ?, ?)"
        ).execute(arguments: [rule, Int64(bitPattern: leaf.rawValue), alert])
        return db.changesCount > 0
    }

    /// The rule and the values of its group, whatever their letters: the same name in another case is the same name.
    /// A rule's signals and alerts are different findings, so that promoting a draft opens an alert.
    private static func fingerprint(of match: RuleMatch, isSignal: Bool) -> String {
        AlertStore.hex(
            isSignal ? "signal" : "fingerprint",
            [match.rule.key] + match.group.flatMap { [$0.name, $0.value.lowercased()] })
    }
}
