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
        var news: Outcome?
        var running: Timestamp?
        var runs = 0
        var newsRuns = 0
        var failures = 0
    }

    private let state = Mutex(State())

    init() {}

    /// The last verification of everything that came to an end; a later one of what is new when that found something wrong.
    var last: Outcome? { state.withLock { $0.outcome } }
    /// The last verification of what was new.
    var lastNews: Outcome? { state.withLock { $0.news } }
    /// When the one that runs now began.
    var running: Timestamp? { state.withLock { $0.running } }
    /// How many of everything, and of what was new, came to an end, and how many of all found something wrong.
    var totals: (runs: Int, newsRuns: Int, failures: Int) {
        state.withLock { ($0.runs, $0.newsRuns, $0.failures) }
    }

    func begin(at time: Timestamp) { state.withLock { $0.running = time } }
    func end() { state.withLock { $0.running = nil } }

    func note(_ outcome: Outcome, isFull: Bool) {
        state.withLock { state in
            if isFull {
                state.runs += 1
            } else {
                state.newsRuns += 1
                state.news = outcome
            }
            // That what is new is sound says nothing of the rest.
            if isFull || outcome.fault != nil { state.outcome = outcome }
            if outcome.fault != nil { state.failures += 1 }
        }
    }
}
