import AccessControl
import EventModel
import Intake
import Ledger
import Logging

/// Watches publication: puts on record when it stops, waits too long for witnesses, or goes on, and when a witness has seen
/// another history; plants beacon leaves. Looks once a second, until its task is cancelled.
struct PublicationMonitor: Sendable {
    /// Leaves may wait this long for their checkpoint before it is an incident.
    static let alarmLag = Duration.seconds(60)

    /// What was on record last.
    struct Memory: Sendable {
        var stopped: LedgerError?
        var isLate = false
        var conflicts: Set<String> = []
        var beaconSize: UInt64 = 0
        var lastBeacon: ContinuousClock.Instant?
    }

    private let state: ServerState

    init(_ state: ServerState) { self.state = state }

    func run() async {
        var memory = Memory(lastBeacon: .now)
        while (try? await Task.sleep(for: .seconds(1))) != nil {
            await look(&memory, at: .now)
        }
    }

    /// One look. What cannot be put on record now is put on record by the next one.
    func look(_ memory: inout Memory, at moment: ContinuousClock.Instant) async {
        for (entry, accept) in Self.changes(
            memory, publication: state.publication, witnesses: state.cosigning?.statuses ?? [],
            size: state.ledger.size, at: moment)
        {
            state.logger.error(
                "publication", metadata: ["incident": "\(entry.action)", "reason": "\(entry.reason ?? "")"])
            guard (try? state.audit.record(entry)) != nil else { return }
            accept(&memory)
        }
        await plantBeacon(&memory, at: moment)
    }

    /// What has changed since it was put on record, and how the memory changes when that is.
    static func changes(
        _ memory: Memory, publication: Publication, witnesses: [Cosigning.Status], size: UInt64,
        at moment: ContinuousClock.Instant
    ) -> [(AuditEntry, (inout Memory) -> Void)] {
        var changes: [(AuditEntry, (inout Memory) -> Void)] = []
        var stopped: LedgerError?
        if case .refused(let error) = publication.hindrance { stopped = error }
        if stopped != memory.stopped {
            let entry =
                stopped.map {
                    incident("ledger.publication_stopped", $0.reason, size, [("code", $0.code.rawValue)])
                } ?? incident("ledger.publication_resumed", nil, size)
            changes.append((entry, { $0.stopped = stopped }))
        }
        let isLate = stopped == nil && publication.lag(at: moment) >= alarmLag
        if isLate != memory.isLate, stopped == nil {
            var reason: String?
            if case .quorum(let missing) = publication.hindrance { reason = missing }
            let entry =
                isLate
                ? incident("ledger.publication_late", reason ?? "no checkpoint could be published", size)
                : incident("ledger.publication_resumed", nil, size)
            changes.append((entry, { $0.isLate = isLate }))
        }
        for witness in witnesses {
            guard let failure = witness.failure, failure.isConflict else {
                if memory.conflicts.contains(witness.name) {
                    changes.append(
                        (
                            incident("ledger.witness_agrees", nil, size, [("witness", witness.name)]),
                            { $0.conflicts.remove(witness.name) }
                        ))
                }
                continue
            }
            guard !memory.conflicts.contains(witness.name) else { continue }
            changes.append(
                (
                    incident("ledger.witness_conflict", failure.reason, size, [("witness", witness.name)]),
                    { $0.conflicts.insert(witness.name) }
                ))
        }
        return changes
    }

    private static func incident(
        _ action: String, _ reason: String?, _ size: UInt64, _ details: [(String, String)] = []
    ) -> AuditEntry {
        AuditEntry(
            action, activity: "other", outcome: reason == nil ? "success" : "failure", reason: reason, actor: .system,
            resource: ("ledger", nil), details: [("published", String(size))] + details)
    }

    /// A leaf that carries the latest cosigned checkpoint: whatever follows it was sealed after its witnesses signed.
    private func plantBeacon(_ memory: inout Memory, at moment: ContinuousClock.Instant) async {
        let minutes = state.configuration.beaconMinutes
        guard minutes > 0, let policy = state.cosigning?.policy, let latest = state.ledger.latest else { return }
        // The beacon is a leaf itself: without other news there is nothing to say again.
        guard memory.lastBeacon.map({ moment - $0 >= .seconds(minutes * 60) }) ?? true,
            latest.checkpoint.size > memory.beaconSize + 1,
            let judgement = try? policy.judge(latest.note), !judgement.times.isEmpty
        else { return }
        let entry = AuditEntry(
            "ledger.beacon", activity: "other", actor: .system, resource: ("ledger", nil))
        let planted = try? await OwnEvents.submit(
            .beacon, entry, payload: BeaconLeaf.payload(latest), to: state.intake, now: state.now())
        guard planted != nil else { return }
        memory.lastBeacon = moment
        memory.beaconSize = latest.checkpoint.size
    }
}
