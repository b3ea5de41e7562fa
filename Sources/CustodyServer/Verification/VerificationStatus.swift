import EventModel
import Synchronization

/// The outcome of the last full verification, for `/v1/integrity`.
final class VerificationStatus: Sendable {
    struct Outcome: Sendable {
        let time: Timestamp
        let counts: VerificationCounts
        /// What was found wrong first, in words; nil when nothing was.
        let fault: String?
    }

    private let outcome = Mutex<Outcome?>(nil)

    init() {}

    var last: Outcome? { outcome.withLock { $0 } }
    func note(_ value: Outcome) { outcome.withLock { $0 = value } }
}
