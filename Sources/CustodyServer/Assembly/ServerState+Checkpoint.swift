import Hummingbird
import Ledger

extension ServerState {
    /// How long a checkpoint is waited for: there is one about every second, and under load the ledger's view may be behind.
    static let checkpointLimit = Duration.seconds(5)

    /// The latest checkpoint, once it covers an event; any, without one.
    ///
    /// - Throws: ``Problem`` 503 `not_published` when none came within ``checkpointLimit``.
    func checkpoint(covering index: UInt64?) async throws -> SignedCheckpoint {
        let deadline = ContinuousClock.now + Self.checkpointLimit
        while true {
            if let latest = ledger.latest, latest.checkpoint.size > index ?? 0 || index == nil { return latest }
            guard ContinuousClock.now < deadline else {
                throw Problem(
                    .serviceUnavailable, "not_published", "no checkpoint covers the newest events yet",
                    headers: [.retryAfter: "1"])
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
