import Synchronization

/// What a search has cost so far and whether it may go on. One for each search, shared by its tasks.
final class QueryMeter: Sendable {
    struct Step: Sendable {
        let name: String
        var nanoseconds: UInt64 = 0
        var bytes = 0
        var times = 0
    }

    /// Nanoseconds of a clock that only goes forward.
    typealias Clock = @Sendable () -> UInt64

    let start: UInt64
    /// The memory that the search may hold.
    let allowance: SearchAllowance
    private let deadline: UInt64
    private let duration: Duration
    private let clock: Clock
    private let scanned = Atomic<Int>(0)
    private let records: Bool
    private let steps = Mutex([Step]())

    init(duration: Duration, clock: @escaping Clock, records: Bool, allowance: SearchAllowance) {
        self.clock = clock
        self.allowance = allowance
        self.duration = duration
        start = clock()
        let (seconds, attoseconds) = duration.components
        deadline = start &+ UInt64(max(0, seconds)) &* 1_000_000_000 &+ UInt64(max(0, attoseconds)) / 1_000_000_000
        self.records = records
    }

    var scannedBytes: Int { scanned.load(ordering: .relaxed) }
    var now: UInt64 { clock() }
    var elapsed: UInt64 { now &- start }

    /// Counts bytes that a step reads.
    func addScanned(_ bytes: Int, in step: @autoclosure () -> String) {
        scanned.add(bytes, ordering: .relaxed)
        guard records else { return }
        let name = step()
        update(name) { $0.bytes += bytes }
    }

    /// To be called for each block of rows.
    /// - Throws: `CancellationError` when nobody waits any more, ``EventStoreError`` (`queryTimedOut`) after the time limit.
    func check() throws {
        if Task.isCancelled { throw CancellationError() }
        guard clock() < deadline else {
            throw EventStoreError(
                .queryTimedOut, "the search ran longer than \(duration); narrow its time or add a field to look in")
        }
    }

    /// Runs a step and, when the search is to be explained, notes its time; steps of one name add up. No counts of rows:
    /// they would tell of events that the asker may not see.
    func measure<Result>(_ name: @autoclosure () -> String, _ body: () throws -> Result) rethrows -> Result {
        guard records else { return try body() }
        let began = clock()
        let result = try body()
        let time = clock() &- began
        update(name()) { step in
            step.nanoseconds += time
            step.times += 1
        }
        return result
    }

    private func update(_ name: String, _ change: (inout Step) -> Void) {
        steps.withLock { steps in
            let position = steps.firstIndex { $0.name == name } ?? steps.endIndex
            if position == steps.endIndex { steps.append(Step(name: name)) }
            change(&steps[position])
        }
    }

    /// The steps noted so far; nil when the search is not to be explained.
    var recordedSteps: [Step]? {
        guard records else { return nil }
        return steps.withLock { $0 }
    }
}
