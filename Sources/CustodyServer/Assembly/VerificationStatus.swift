import EventModel
import Synchronization

/// The outcome of the last full verification, for `/v1/integrity`.
package final class VerificationStatus: Sendable {
    package struct Outcome: Sendable {
        package let time: Timestamp
        package let counts: VerificationCounts
        /// What was found wrong first, in words; nil when nothing was.
        package let fault: String?
    }

    private let outcome = Mutex<Outcome?>(nil)

    package init() {}

    package var last: Outcome? { outcome.withLock { $0 } }
    package func note(_ value: Outcome) { outcome.withLock { $0 = value } }
}

/// What `custody verify` counts.
package struct VerificationCounts: Sendable, Equatable {
    package var verified: UInt64 = 0
    package var lawfullyDestroyed: UInt64 = 0
    package var destroyedWithoutAuthority: UInt64 = 0
    package var missing: UInt64 = 0
    package var altered: UInt64 = 0

    package init() {}
}
