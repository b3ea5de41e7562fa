import AccessControl
import Detection
import EventModel
import Synchronization

/// Puts alerts' transitions on record. It exists before the audit trail, which needs the pipeline that the views feed on.
final class AlertRelay: Sendable {
    private let audit = Mutex<AuditTrail?>(nil)

    func connect(_ trail: AuditTrail) { audit.withLock { $0 = trail } }

    /// A full queue loses nothing but this entry: the alert itself is in the state database.
    func send(_ transition: AlertTransition) {
        guard let entry = transition.auditEntry(actor: nil, client: nil) else { return }
        try? audit.withLock { $0 }?.record(entry)
    }
}

/// Puts on record that a delivery id was used twice for different bytes.
final class ConflictRelay: Sendable {
    private let audit = Mutex<AuditTrail?>(nil)

    func connect(_ trail: AuditTrail) { audit.withLock { $0 = trail } }

    func send(_ kept: LeafIndex, _ earlier: LeafIndex) {
        try? audit.withLock { $0 }?.record(
            AuditEntry(
                "delivery.conflict", activity: "other", actor: .system,
                resource: ("event", String(kept.rawValue)), details: [("earlier", String(earlier.rawValue))]))
    }
}
