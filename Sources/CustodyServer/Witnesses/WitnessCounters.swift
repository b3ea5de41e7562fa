import Synchronization

/// How often a witness answered what.
final class WitnessCounters: Sendable {
    private let answers = Mutex<[Int: Int]>([:])

    init() {}

    func note(_ status: Int) { answers.withLock { $0[status, default: 0] += 1 } }

    /// Answers of a status so far.
    func count(_ status: Int) -> Int { answers.withLock { $0[status] ?? 0 } }

    /// Answers other than 200 so far.
    var refusals: Int { answers.withLock { $0.filter { $0.key != 200 }.values.reduce(0, +) } }
}
