import AccessControl
import EventModel
import Foundation
import Ledger
import Logging

/// Verifies the data directory again and again beside the running server, and raises an alarm when it does not hold:
/// everything at the configured interval, and what came since every quarter of an hour in between.
struct VerificationSchedule: Sendable {
    /// After the start a server has other things to do; then the first verification, which is the one that finds what happened
    /// while it was stopped.
    static let firstDelay: Int64 = 60
    /// Seconds between two looks at what is new: its cost is that of the news, and a disk that writes something else than it
    /// was told is found while the senders still have the events.
    static let newsInterval: Int64 = 900

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
        var untilAll = min(Self.firstDelay, interval)
        var verified: Checkpoint?
        while !Task.isCancelled {
            do {
                let delay = verified == nil ? untilAll : min(untilAll, Self.newsInterval)
                try await sleep(.seconds(delay))
                untilAll -= delay
                if untilAll <= 0 {
                    verified = try await verifyOnce()
                    untilAll = interval
                } else {
                    // What was found wrong stands until everything was looked at again.
                    verified = try await verifyOnce(after: verified) ?? verified
                }
            } catch {
                return
            }
        }
    }

    /// One verification, told to `/v1/integrity`, the metrics and, when something is wrong, as an event of the source
    /// `custody`, for which the rule pack has an alert.
    ///
    /// - Parameter known: up to where everything was verified before; nil to verify everything.
    /// - Returns: the checkpoint up to which everything is verified now; nil when something is wrong.
    /// - Throws: `CancellationError` only.
    @discardableResult
    func verifyOnce(after known: Checkpoint? = nil) async throws -> Checkpoint? {
        let start = ContinuousClock.now
        state.verification.begin(at: state.now())
        defer { state.verification.end() }
        let report: VerificationReport
        do {
            report = try await verifier.verify(
                after: known, pace: .background(share: state.configuration.verificationShare))
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            var unreadable = VerificationReport()
            unreadable.faults = ["the ledger cannot be opened: \(error)"]
            note(unreadable, since: start, isFull: known == nil)
            return nil
        }
        try Task.checkCancellation()
        note(report, since: start, isFull: known == nil)
        return report.isIntact ? report.checkpoint?.checkpoint : nil
    }

    private func note(_ report: VerificationReport, since start: ContinuousClock.Instant, isFull: Bool) {
        let fault = report.isIntact ? nil : report.faults.first ?? "leaves are missing or altered"
        let isNews = state.verification.last?.fault != fault
        state.verification.note(
            .init(
                time: state.now(), counts: report.counts, fault: fault, size: report.checkpoint?.checkpoint.size ?? 0,
                duration: ContinuousClock.now - start), isFull: isFull)
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
