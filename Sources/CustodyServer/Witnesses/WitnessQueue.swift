import Dispatch
import Ledger
import Synchronization

/// Runs a witness' requests one after the other on a thread of its own: each waits for the disk, which is no work for the
/// threads that all requests share.
final class WitnessQueue: Sendable {
    /// Requests that wait at most: at 10 ms each, what has not been answered by then was given up by its log.
    static let limit = 256

    private let witness: Witness
    private let queue = DispatchQueue(label: "custody.witness")
    private let waiting = Mutex(0)

    init(_ witness: Witness) { self.witness = witness }

    /// The witness' answer; nil when too many requests wait.
    func addCheckpoint(_ body: [UInt8]) async -> Witness.Answer? {
        let isTaken = waiting.withLock { waiting in
            guard waiting < Self.limit else { return false }
            waiting += 1
            return true
        }
        guard isTaken else { return nil }
        return await withCheckedContinuation { continuation in
            queue.async { [self] in
                let answer = witness.addCheckpoint(body)
                waiting.withLock { $0 -= 1 }
                continuation.resume(returning: answer)
            }
        }
    }
}
