import AccessControl
import Connectors
import EventModel
import Identity
import Intake
import Ledger

/// Hands what was pulled for a source to intake.
struct PullIntake: Sendable {
    let state: ServerState
    let source: String
    let verified: Connectors.Verification

    /// Commits a delivery; when it returns, what was accepted is durable.
    ///
    /// - Parameter connector: How it is read; nil for the source's own way.
    func submit(
        _ delivery: Delivery, deliveryID: String?, connector: Connector? = nil
    ) async throws -> (accepted: Int, duplicates: Int) {
        guard let configured = state.sources.source(named: source), configured.isEnabled else {
            throw PullError(.denied, "the source \(source) is disabled")
        }
        let requests = DeliveryRequests(state: state)
        var from = try requests.deliverySource(configured, verified: verified)
        if let connector { from.connector = connector }
        do {
            let answer = try await requests.submit(delivery, from: from, deliveryID: deliveryID)
            return (answer.accepted, answer.duplicates)
        } catch let error as IntakeError where error.code == .overloaded || error.code == .diskFull {
            throw PullError(.limited, "intake is full: \(error.reason)")
        }
    }

    /// Makes a gap a leaf of its own kind, an event of the source `custody`; when it returns, that is durable.
    func record(_ gap: PullGap) async throws {
        var entry = AuditEntry(
            "source.gap", activity: "other", outcome: "failure", reason: gap.reason, actor: Principal.system,
            resource: ("source", source), details: [("place", gap.place)])
        entry.leaf = .sourceGap
        try await state.audit.recordDurably(entry)
    }
}
