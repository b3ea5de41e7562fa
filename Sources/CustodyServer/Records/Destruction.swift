import AccessControl
import Delivery
import Detection
import EventModel
import EventStore
import Foundation
import HTTPTypes
import Intake
import Journal
import Ledger
import Logging

/// Destroys what leaves say is to be destroyed. The leaf is durable first; whatever crash comes between, the next start does
/// the rest, because it is the leaf that says what must not be there.
struct Destruction: Sendable {
    /// How long the journal is waited for: every view has to be past what goes.
    static let journalLimit = Duration.seconds(60)

    let leaves: SystemLeaves
    let store: StoreSnapshots
    let orders: StoreOrders
    let intake: IntakePipeline
    let journal: JournalReader
    let views: [ViewRunner]
    let alerts: AlertStore
    let detection: DetectionOrders
    let outbox: Outbox
    let quarantine: QuarantineStore
    let renormalisations: Renormalisations
    let logger: Logger

    /// What retention would destroy now, or has destroyed.
    struct Plan: Sendable {
        struct Item: Sendable {
            let policy: AuthorityHistory.Policy
            let days: [Int32]
            let leaves: LeafRanges
            let events: UInt64
            let bytes: UInt64
            let held: UInt64
        }

        var items: [Item] = []
        var events: UInt64 { items.reduce(0) { $0 + $1.events } }
    }

    // MARK: Retention

    /// What would go at a moment. Sees what is searchable.
    func plan(at now: Timestamp) throws -> Plan {
        let history = leaves.history
        let held = history.heldLeaves
        let segments = store.segments()
        var plan = Plan()
        for retentionClass in Set(segments.map(\.partition.retentionClass)).sorted() {
            guard retentionClass != RetentionClass.records,
                let policy = history.policy(for: retentionClass, at: now.milliseconds), let days = policy.days
            else { continue }
            let cutoff = now.milliseconds - Int64(days) * AuthorityHistory.dayMilliseconds
            let ofClass = segments.filter { $0.partition.retentionClass == retentionClass }
            let expired = ofClass.filter { Self.end(of: $0.partition.day) <= cutoff }
            if let item = try Self.item(policy, expired, ofClass, held) { plan.items.append(item) }
        }
        return plan
    }

    private static func end(of day: Int32) -> Int64 { (Int64(day) + 1) * AuthorityHistory.dayMilliseconds }

    private static func item(
        _ policy: AuthorityHistory.Policy, _ expired: [SegmentReader], _ ofClass: [SegmentReader], _ held: LeafRanges
    ) throws -> Plan.Item? {
        var going: [ClosedRange<UInt64>] = []
        var events: UInt64 = 0
        var heldRows: UInt64 = 0
        var bytes: UInt64 = 0
        var records: [ClosedRange<UInt64>] = []
        for segment in expired {
            var isConcerned = false
            try segment.withRecords(0..<segment.rowCount) { row, view in
                let index = try segment.leafIndex(ofRow: row).rawValue
                // Records are kept for ever, in whichever class they are.
                if view.kind != LeafKind.event.rawValue {
                    records.append(index...index)
                } else if held.contains(index) {
                    heldRows += 1
                } else {
                    isConcerned = true
                    events += 1
                    if let last = going.last, last.upperBound + 1 == index {
                        going[going.count - 1] = last.lowerBound...index
                    } else {
                        going.append(index...index)
                    }
                }
                return true
            }
            if isConcerned { bytes += UInt64(segment.byteCount) }
        }
        guard events > 0 else { return nil }
        let kept = LeafRanges(
            ranges: ofClass.filter { segment in !expired.contains { $0 === segment } }.map {
                $0.indexes.lowerBound.rawValue...$0.indexes.upperBound.rawValue
            } + held.ranges + records)
        return Plan.Item(
            policy: policy, days: Set(expired.map(\.partition.day)).sorted(),
            leaves: bridged(LeafRanges(ranges: going), apartFrom: kept), events: events, bytes: bytes, held: heldRows)
    }

    /// Fewer and longer ranges: what lies between two that has no event of the class is not meant, whoever reads it.
    private static func bridged(_ going: LeafRanges, apartFrom kept: LeafRanges) -> LeafRanges {
        var ranges: [ClosedRange<UInt64>] = []
        for range in going.ranges {
            if let last = ranges.last, !kept.overlaps(last.upperBound + 1...range.lowerBound - 1) {
                ranges[ranges.count - 1] = last.lowerBound...range.upperBound
            } else {
                ranges.append(range)
            }
        }
        return LeafRanges(ranges: ranges)
    }

    /// Destroys what policies say, one certificate for each class and ten thousand ranges.
    ///
    /// - Returns: what was destroyed.
    /// - Throws: `EventStoreError`, `IntakeError`; what has a certificate is destroyed by the next run or start.
    func runRetention(at now: Timestamp, actor: Principal?) async throws -> Plan {
        _ = try await orders.destroy(rewrite())
        let plan = try plan(at: now)
        let holds = leaves.history.activeHolds.map(\.leaf)
        for item in plan.items {
            let ranges = item.leaves.ranges
            for start in stride(from: 0, to: ranges.count, by: AuthorityRequest.maximumRanges) {
                var document = SystemDocument(.destroy)
                document.class = item.policy.retentionClass
                document.policy = item.policy.leaf
                document.leaves = Array(ranges[start..<min(start + AuthorityRequest.maximumRanges, ranges.count)])
                    .map { [$0.lowerBound, $0.upperBound] }
                document.holds = holds
                let entry = AuditEntry(
                    "retention.destroy", activity: "delete", actor: actor ?? .system,
                    resource: ("retention class", String(item.policy.retentionClass)))
                try await leaves.commit([.init(document: document, entry: entry)], beginsJournalFile: true)
            }
        }
        if !plan.items.isEmpty { try await carryOut() }
        return plan
    }

    // MARK: Doing it

    /// Commits a redaction that approvers have signed, and does it.
    ///
    /// - Throws: ``RecordError`` when it has no authority or a hold covers it.
    func redact(_ document: SystemDocument, actor: Principal?) async throws -> UInt64 {
        if let objection = leaves.objection(to: document) { throw objection }
        let entry = AuditEntry("event.redact", activity: "delete", actor: actor ?? .system, resource: ("event", nil))
        let indexes = try await leaves.commit([.init(document: document, entry: entry)], beginsJournalFile: true)
        try await carryOut()
        return indexes[0]
    }

    /// Does whatever lawful leaves say that is not done yet.
    ///
    /// - Parameter isResumed: The leaf that says so was written by an earlier process.
    /// - Returns: the number of files that were rewritten or removed.
    @discardableResult
    func carryOut(isResumed: Bool = false) async throws -> Int {
        let change = rewrite()
        guard let last = Self.lastLeaf(of: change) else { return 0 }
        if isResumed, journal.indexes.lowerBound <= last {
            // The journal may go on in the file, and with the seeds, of what has to go.
            try await OwnEvents.submit(
                [AuditEntry("retention.carry_out", activity: "execute", actor: .system, resource: ("journal", nil))],
                to: intake, now: leaves.now(), beginsJournalFile: true)
        }
        let end = intake.committer.end
        while let view = views.first(where: { $0.name == "store" }), view.cursor < end {
            try await Task.sleep(for: .milliseconds(10))
        }
        while let view = views.first(where: { $0.name == "detection" }), view.cursor <= LeafIndex(last) {
            try await Task.sleep(for: .milliseconds(10))
        }
        renormalisations.forgetExamples()
        try await eraseCopies(of: change.redacted)
        let files = try await orders.destroy(change)
        try await forgetJournal(through: last)
        return files
    }

    /// Takes the values of groups that go out of everything that was made from events and is no event: alerts, notifications,
    /// the memory of detectors, the quarantine.
    private func eraseCopies(of redacted: [UInt64: Set<FieldGroup>]) async throws {
        guard !redacted.isEmpty else { return }
        let leaves = LeafRanges(redacted.keys)
        var values = DestroyedValues()
        for (index, groups) in redacted {
            try withRecord(index) { values.add($0, groups) }
        }
        try alerts.redact(leaves)
        try outbox.redact(about: try alerts.subjects(of: leaves))
        for (source, values) in values.bySource { try await quarantine.blank(holding: values, source: source) }
        try await detection.forgetValues(of: leaves)
        try alerts.forgetFreePages()
    }

    /// An event as it is before it is redacted. What was received within the last moments is in the journal alone.
    private func withRecord(_ index: UInt64, _ body: (SealedView) -> Void) throws {
        if let record = try store.record(at: LeafIndex(index)) {
            return try record.bytes.withUnsafeBytes { body(try SealedView($0)) }
        }
        guard journal.indexes.contains(index) else { return }
        for batch in try journal.records(in: index..<index + 1) {
            try batch.forEach { found, record, _ in if found == index { body(try SealedView(record)) } }
        }
    }

    /// What must not be there, by all lawful leaves so far.
    private func rewrite() -> SegmentRewrite {
        let history = leaves.history
        var change = SegmentRewrite { group, salt, bytes in
            salt.withUnsafeBytes { salt in
                EventCommitment.groupHash(group: group, salt: salt, bytes: bytes).withUnsafeBytes { Bytes32($0) }
            }
        }
        let partitions = Set(store.segments().map(\.partition))
        for destruction in history.destructions where destruction.objection == nil {
            for partition in partitions
            where partition.retentionClass == destruction.retentionClass
                && Self.end(of: partition.day) <= destruction.cutoff
            {
                change.dropped[partition] =
                    change.dropped[partition]?.union(destruction.leaves) ?? destruction.leaves
            }
        }
        for redaction in history.redactions where redaction.objection == nil {
            for range in redaction.leaves.ranges {
                for index in range { change.redacted[index, default: []].formUnion(redaction.groups) }
            }
        }
        return change
    }

    private static func lastLeaf(of change: SegmentRewrite) -> UInt64? {
        (change.dropped.values.compactMap { $0.ranges.last?.upperBound }
            + [change.redacted.keys.max()].compactMap { $0 })
            .max()
    }

    /// Waits until the journal no longer holds what goes.
    private func forgetJournal(through last: UInt64) async throws {
        let deadline = ContinuousClock.now + Self.journalLimit
        while journal.indexes.lowerBound <= last {
            guard ContinuousClock.now < deadline else {
                throw Problem(
                    .serviceUnavailable, "journal_busy",
                    "the journal still holds what was destroyed, because a view is behind; it goes with the next run")
            }
            intake.committer.recycle()
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
