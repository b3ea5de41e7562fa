import AccessControl
import Connectors
import EventModel
import Foundation
import HTTPTypes
import Identity
import Intake
import Synchronization

/// Takes what a relay brought as if it had come to `/v1/hooks/NAME` itself: the provider's signature is checked here, where the
/// secret is.
///
/// Its sender has been told that it is kept. So what is not taken is put into the quarantine, where a person finds and can replay
/// it, and on record.
final class RelayIntake: Sendable {
    /// Deliveries that failed to prove themselves and are kept in the quarantine, of one source an hour: a source whose secret is
    /// wrong loses little before somebody looks, and a flood of forgeries leaves the others' entries there.
    static let unprovedAnHour = 200
    /// What all names together are counted under that no source has: a relay that was taken over could make up any number.
    private static let unknown = "unknown"
    private static let nameLength = 63

    let state: ServerState
    let relay: String
    private let unproved = Mutex<[String: (hour: Int64, kept: Int)]>([:])

    init(_ state: ServerState, relay: String) {
        self.state = state
        self.relay = relay
    }

    /// Takes the deliveries of one drain, in their order.
    ///
    /// - Throws: ``PullError`` `limited` when intake has no room: the same drain is then made again, and what was taken is known.
    func submit(_ body: [UInt8]) async throws -> (accepted: Int, duplicates: Int) {
        let entries: [RelayBatch.Entry]
        do {
            entries = try RelayBatch.entries(body)
        } catch {
            throw PullError(.malformed, "\(error)")
        }
        var (accepted, duplicates) = (0, 0)
        var refusals: [String: (count: Int, reason: String)] = [:]
        for entry in entries {
            do {
                let answer = try await take(entry)
                accepted += answer?.accepted ?? 0
                duplicates += answer?.duplicates ?? 0
            } catch let error as IntakeError where error.code == .overloaded || error.code == .diskFull {
                throw PullError(.limited, "intake is full: \(error.reason)")
            } catch let refusal as RelayRefusal {
                try await keep(entry, refusal)
                let name = state.sources.source(named: entry.entry.name)?.name ?? Self.unknown
                refusals[name, default: (0, refusal.reason)].count += 1
            }
        }
        for (name, refusal) in refusals.sorted(by: { $0.key < $1.key }) {
            try await state.audit.recordDurably(
                AuditEntry(
                    "access.deny", activity: "deny", outcome: "denied", reason: refusal.reason,
                    resource: ("source", name),
                    details: [("relay", relay), ("deliveries", String(refusal.count))]))
        }
        return (accepted, duplicates)
    }

    /// - Returns: Nil for what is no event, as challenges.
    private func take(_ relayed: RelayBatch.Entry) async throws -> IntakeAnswer? {
        let entry = relayed.entry
        let requests = DeliveryRequests(state: state)
        guard let source = state.sources.source(named: entry.name) else {
            throw RelayRefusal("there is no source \(entry.name)")
        }
        guard source.isEnabled else { throw RelayRefusal("the source \(entry.name) is disabled") }
        var delivery = Delivery(
            method: entry.method, headers: DeliveryHeaders(entry.headers.map { ($0[0], $0[1]) }), body: entry.body,
            received: state.now())
        delivery.carried = entry.received
        var isProved = false
        do {
            delivery.body = try unpacked(entry)
            let (verification, connector) = try await requests.authenticate(
                delivery, source, principal: principal(entry), now: entry.received)
            isProved = true
            if let answer = connector?.answer(to: delivery), !answer.isEvent { return nil }
            let key = try EventIntakeRoutes.idempotencyKey(entry[header: "Idempotency-Key"])
            return try await requests.submit(
                delivery, from: requests.deliverySource(source, verified: verification), deliveryID: key ?? relayed.id)
        } catch let error as IntakeError
            where error.code == .tooLarge || error.code == .tooManyEvents || error.code == .malformed
        {
            // All else is this server's trouble, not the delivery's: it is asked for again.
            throw RelayRefusal(error.reason, isProved: isProved)
        } catch let problem as Problem where problem.status.code < 500 {
            throw RelayRefusal(problem.detail, isProved: isProved)
        } catch let error as ConnectorError {
            throw RelayRefusal(error.reason, isProved: isProved)
        } catch let error as AccessError {
            throw RelayRefusal(error.reason, isProved: isProved)
        }
    }

    private func unpacked(_ entry: RelayEntry) throws -> [UInt8] {
        try ContentDecoding(limit: state.configuration.intake.deliveryBytes).decode(
            entry.body, encoding: entry[header: "Content-Encoding"])
    }

    /// Who sent it, when it brought a token of this server instead of a signature.
    private func principal(_ entry: RelayEntry) -> Principal? {
        guard let header = entry[header: "Authorization"], let token = AuthenticationMiddleware.token(in: header) else {
            return nil
        }
        return try? state.tokens.authenticate(bearer: token, now: state.now())
    }

    private func keep(_ relayed: RelayBatch.Entry, _ refusal: RelayRefusal) async throws {
        let source = state.sources.source(named: relayed.entry.name)
        if !refusal.isProved {
            let hour = state.now().seconds / 3_600
            let name = source?.name ?? Self.unknown
            let isKept = unproved.withLock { unproved in
                var count = unproved[name] ?? (hour, 0)
                if count.hour != hour { count = (hour, 0) }
                count.kept += 1
                unproved[name] = count
                return count.kept <= Self.unprovedAnHour
            }
            guard isKept else { return }
        }
        let body = (try? unpacked(relayed.entry)) ?? relayed.entry.body
        let bytes: [UInt8] =
            switch Redactor().redact(body, fingerprintKey: source?.fingerprintKey ?? []) {
            case .unchanged: body
            case .redacted(let redaction): redaction.bytes
            case .tooManySecrets: []
            }
        try await state.quarantine.add(
            [RejectedEntry(position: 0, reason: "through the relay \(relay): \(refusal.reason)", bytes: bytes)],
            source: source?.name ?? String(relayed.entry.name.prefix(Self.nameLength)), now: state.now())
    }
}

/// Why a relayed delivery is not taken.
struct RelayRefusal: Error, Sendable {
    let reason: String
    /// Whether it has proved where it comes from.
    let isProved: Bool

    init(_ reason: String, isProved: Bool = false) {
        self.reason = reason
        self.isProved = isProved
    }
}
