import Foundation
import Synchronization

/// The threads that searches run on: of their own, so that no search, however long, keeps a thread from requests and intake,
/// which run on Swift's. They live as long as the process, as Swift's do.
///
/// Work is taken in the order in which it comes, but for what is in the background. A search puts itself behind the others after
/// each turn (``SearchTurns``), so that a short one does not wait for long ones to end.
final class SearchThreads: TaskExecutor {
    /// As many as there are cores, and at least two: one that waits for the disk must not be the only one.
    static let shared = SearchThreads(count: max(2, ProcessInfo.processInfo.activeProcessorCount))

    /// For searches that nobody waits for: on the same threads, when nobody's turn is waiting.
    static let inBackground = BackgroundTurns(shared)

    /// A turn, and where it was put in.
    private struct Job {
        let job: UnownedJob
        let executor: UnownedTaskExecutor
    }

    private struct Line {
        private var waiting: [Job] = []
        /// Those before were taken.
        private var next = 0

        mutating func append(_ job: Job) { waiting.append(job) }

        mutating func take() -> Job? {
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

    private struct Jobs {
        var line = Line()
        var background = Line()
        var taken = 0

        mutating func take() -> Job? {
            taken &+= 1
            // A turn now and then, so that it ends however busy the others are.
            if taken % SearchThreads.backgroundTurns == 0, let job = background.take() { return job }
            return line.take() ?? background.take()
        }
    }

    /// Of so many turns one is the background's, where both wait.
    static let backgroundTurns = 16

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
        let job = Job(job: UnownedJob(job), executor: asUnownedTaskExecutor())
        jobs.withLock { $0.line.append(job) }
        arrivals.signal()
    }

    fileprivate func enqueue(_ job: consuming ExecutorJob, of executor: UnownedTaskExecutor) {
        let job = Job(job: UnownedJob(job), executor: executor)
        jobs.withLock { $0.background.append(job) }
        arrivals.signal()
    }

    private func work() {
        while true {
            arrivals.wait()
            if let job = jobs.withLock({ $0.take() }) { job.job.runSynchronously(on: job.executor) }
        }
    }
}

/// Runs searches on ``SearchThreads`` behind all others: theirs, who wait for an answer, take hardly longer meanwhile. It lives as
/// long as what was put in.
final class BackgroundTurns: TaskExecutor {
    private let threads: SearchThreads

    init(_ threads: SearchThreads) { self.threads = threads }

    func enqueue(_ job: consuming ExecutorJob) { threads.enqueue(job, of: asUnownedTaskExecutor()) }
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
