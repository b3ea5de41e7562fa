import AccessControl
import EventModel
import Intake
import Ledger

/// Makes events of audit entries and commits them.
enum OwnEvents {
    static func submit(
        _ entries: [AuditEntry], to intake: IntakePipeline, now: Timestamp, beginsJournalFile: Bool = false
    ) async throws {
        let events = entries.filter { $0.leaf == .event }
        if !events.isEmpty { try await submit(events, RetentionClass.standard, to: intake, now, beginsJournalFile) }
        // What says that something is missing has to outlive every retention.
        let others = entries.filter { $0.leaf != .event }
        if !others.isEmpty { try await submit(others, RetentionClass.records, to: intake, now, beginsJournalFile) }
    }

    private static func submit(
        _ entries: [AuditEntry], _ retentionClass: UInt16, to intake: IntakePipeline, _ now: Timestamp,
        _ beginsJournalFile: Bool
    ) async throws {
        let origin = EventOrigin(name: OwnAudit.source, retentionClass: retentionClass, verified: "signature")
        var builder = BatchBuilder(origin: origin, received: now, keyer: intake.keyer)
        var record = EventRecord()
        for (position, entry) in entries.enumerated() {
            record.removeAll()
            let clean = entry.withoutSecrets()
            clean.fill(&record)
            clean.payload.withUnsafeBytes {
                builder.add(&record, payload: $0, position: position, part: nil, kind: entry.leaf.rawValue)
            }
        }
        _ = try await intake.submitOwn(try builder.finish(), beginsJournalFile: beginsJournalFile)
    }

    /// Commits a leaf of a kind of its own, whose payload is exactly these bytes: a statement that has to verify later is not
    /// redacted. Returns its index.
    @discardableResult
    static func submit(
        _ kind: LeafKind, _ entry: AuditEntry, payload: [UInt8], to intake: IntakePipeline, now: Timestamp
    ) async throws -> UInt64? {
        // What it says about the ledger has to outlive every retention.
        let origin = EventOrigin(
            name: OwnAudit.source, retentionClass: RetentionClass.records, verified: "signature")
        var builder = BatchBuilder(origin: origin, received: now, keyer: intake.keyer)
        var record = EventRecord()
        entry.fill(&record)
        payload.withUnsafeBytes { builder.add(&record, payload: $0, position: 0, part: nil, kind: kind.rawValue) }
        return try await intake.submitOwn(try builder.finish()).indexes?.lowerBound.rawValue
    }
}

extension AuditEntry {
    /// Queries, names and reasons can hold what somebody pasted. Without fingerprints: there is no source to compare within.
    fileprivate func withoutSecrets() -> AuditEntry {
        var clean = self
        clean.query = query.map(Self.redacted)
        clean.reason = reason.map(Self.redacted)
        clean.resourceName = resourceName.map(Self.redacted)
        clean.details = details.map { ($0, Self.redacted($1)) }
        return clean
    }

    private static func redacted(_ text: String) -> String {
        switch Redactor().redact(Array(text.utf8), fingerprintKey: []) {
        case .unchanged: text
        case .redacted(let redaction): String(decoding: redaction.bytes, as: UTF8.self)
        case .tooManySecrets: "[redacted]"
        }
    }
}
