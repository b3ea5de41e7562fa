import AccessControl
import EventModel
import Synchronization

/// Puts on record what views and the committer notice. They exist before the audit trail, which commits through them.
///
/// A full queue loses nothing but the entry: alerts are in the state database, conflicting events in the ledger.
final class AuditRelay: Sendable {
    private let audit = Mutex<AuditTrail?>(nil)

    func connect(_ trail: AuditTrail) { audit.withLock { $0 = trail } }

    func send(_ entry: AuditEntry?) {
        guard let entry else { return }
        try? audit.withLock { $0 }?.record(entry)
    }
}

extension AuditEntry {
    /// A delivery id was used for different bytes; both events are kept.
    static func conflict(kept: LeafIndex, earlier: LeafIndex) -> AuditEntry {
        AuditEntry(
            "delivery.conflict", activity: "other", actor: .system, resource: ("event", String(kept.rawValue)),
            details: [("earlier", String(earlier.rawValue))])
    }
}
