import Foundation
import Synchronization

/// The threads that searches run on: of their own, so that no search, however long, keeps a thread from requests and intake,
/// which run on Swift's. They live as long as the process, as Swift's do.
///
/// Work is taken in the order in which it comes. A search puts itself behind the others after each turn
/// (``SearchTurns``), so that a short one does not wait for long ones to end.
final class SearchThreads: TaskExecutor {
    /// As many as there are cores, and at least two: one that waits for the disk must not be the only one.
    static let shared = SearchThreads(count: max(2, ProcessInfo.processInfo.activeProcessorCount))

    private struct Jobs {
        var waiting: [UnownedJob] = []
        /// Those before were taken.
        var next = 0

        mutating func take() -> UnownedJob? {
            guard next < waiting.count else { return nil }
            defer {
                next += 1
                // Now and then, so that taking one costs the same however many wait.
                if next >= 1_024, next * 2 >= waiting.count {
                    waiting.removeFirst(next)
                    next = 0
                }
            }
            return waiting[next]
        }
    }

    private let jobs = Mutex(Jobs())
    /// Counts the jobs that wait.
    private let arrivals = DispatchSemaphore(value: 0)
    /// Filters nest 64 levels, payloads as many, and each level takes some hundred bytes.
    private static let stackBytes = 4 << 20

    init(count: Int) {
        for number in 0..<count {
            let thread = Thread { [self] in work() }
            // At most 15 characters, or Linux takes none.
            thread.name = "search-\(number)"
            thread.stackSize = Self.stackBytes
            thread.start()
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.waiting.append(job) }
        arrivals.signal()
    }

    private func work() {
        while true {
            arrivals.wait()
            if let job = jobs.withLock({ $0.take() }) { job.runSynchronously(on: asUnownedTaskExecutor()) }
        }
    }
}

/// The turns of one task of a search on its thread.
struct SearchTurns {
    /// Long enough that changing costs nothing, short enough that nobody who types notices the wait.
    private static let nanoseconds: UInt64 = 5_000_000

    private let meter: QueryMeter
    private var began: UInt64

    init(_ meter: QueryMeter) {
        self.meter = meter
        began = meter.now
    }

    /// To be called between pieces of work that each take well below a turn: lets others run when the turn is over.
    ///
    /// - Throws: as ``QueryMeter/check()``.
    mutating func pause() async throws {
        try meter.check()
        let now = meter.now
        guard now &- began >= Self.nanoseconds else { return }
        await Task.yield()
        began = meter.now
        try meter.check()
    }
}
