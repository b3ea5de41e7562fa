import AccessControl
import EventModel
import Foundation
import Ledger
import Logging

/// Verifies the whole data directory again and again beside the running server, and raises an alarm when it does not hold.
struct VerificationSchedule: Sendable {
    /// After the start a server has other things to do; then the first verification, which is the one that finds what happened
    /// while it was stopped.
    static let firstDelay: Int64 = 60

    let state: ServerState
    let verifier: DataDirectoryVerifier
    let sleep: @Sendable (Duration) async throws -> Void

    init(
        _ state: ServerState, verifier: DataDirectoryVerifier,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.state = state
        self.verifier = verifier
        self.sleep = sleep
    }

    /// Runs until the task is cancelled; returns at once when the configuration asks for no verification.
    func run() async {
        let interval = state.configuration.verificationInterval
        guard interval > 0 else { return }
        var delay = min(Self.firstDelay, interval)
        while !Task.isCancelled {
            do {
                try await sleep(.seconds(delay))
                try await verifyOnce()
            } catch {
                return
            }
            delay = interval
        }
    }

    /// One full verification, told to `/v1/integrity`, the metrics and, when something is wrong, as an event of the source
    /// `custody`, for which the rule pack has an alert.
    ///
    /// - Throws: `CancellationError` only.
    func verifyOnce() async throws {
        let start = ContinuousClock.now
        state.verification.begin(at: state.now())
        defer { state.verification.end() }
        let report: VerificationReport
        do {
            report = try await verifier.verify(pace: .background(share: state.configuration.verificationShare))
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            var unreadable = VerificationReport()
            unreadable.faults = ["the ledger cannot be opened: \(error)"]
            return note(unreadable, since: start)
        }
        try Task.checkCancellation()
        note(report, since: start)
    }

    private func note(_ report: VerificationReport, since start: ContinuousClock.Instant) {
        let fault = report.isIntact ? nil : report.faults.first ?? "leaves are missing or altered"
        let isNews = state.verification.last?.fault != fault
        state.verification.note(
            .init(
                time: state.now(), counts: report.counts, fault: fault, size: report.checkpoint?.checkpoint.size ?? 0,
                duration: ContinuousClock.now - start))
        guard let fault else { return }
        state.logger.critical("verification failed", metadata: ["fault": "\(fault)"])
        let counts = report.counts
        let entry = AuditEntry(
            "integrity.fail", activity: "other", outcome: "failure", reason: fault, actor: .system,
            resource: ("ledger", state.ledgerKey.verifierKey.name),
            details: [
                ("verified", String(counts.verified)), ("missing", String(counts.missing)),
                ("altered", String(counts.altered)),
                ("destroyed_without_authority", String(counts.destroyedWithoutAuthority)),
                ("faults", report.faults.joined(separator: "; ")), ("repeated", isNews ? "false" : "true"),
            ])
        do {
            try state.audit.record(entry)
        } catch {
            state.logger.error("the failed verification could not be put on record", metadata: ["error": "\(error)"])
        }
    }
}
