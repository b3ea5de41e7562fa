import EventModel
import Synchronization

/// The verifications that run beside the server, for `/v1/integrity`, `/readyz` and the metrics.
final class VerificationStatus: Sendable {
    struct Outcome: Sendable {
        let time: Timestamp
        let counts: VerificationCounts
        /// What was found wrong first, in words; nil when nothing was.
        let fault: String?
        /// Leaves under the checkpoint that was verified.
        let size: UInt64
        let duration: Duration
    }

    private struct State {
        var outcome: Outcome?
        var running: Timestamp?
        var runs = 0
        var failures = 0
    }

    private let state = Mutex(State())

    init() {}

    /// The last verification that came to an end.
    var last: Outcome? { state.withLock { $0.outcome } }
    /// When the one that runs now began.
    var running: Timestamp? { state.withLock { $0.running } }
    /// How many came to an end, and how many of them found something wrong.
    var totals: (runs: Int, failures: Int) { state.withLock { ($0.runs, $0.failures) } }

    func begin(at time: Timestamp) { state.withLock { $0.running = time } }
    func end() { state.withLock { $0.running = nil } }

    func note(_ outcome: Outcome) {
        state.withLock {
            $0.outcome = outcome
            $0.runs += 1
            if outcome.fault != nil { $0.failures += 1 }
        }
    }
}
