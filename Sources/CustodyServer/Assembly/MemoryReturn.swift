import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Gives memory that was freed back to the system when the server has become quiet: the allocator keeps what a burst of
/// deliveries or a large search used, often more than all that is in use, for a burst that may never come.
///
/// While there is work nothing is given back, since it would be asked for again at once. Cost: tens of milliseconds of one
/// core for some hundred megabytes, after at least ``worthwhile`` of work.
final class MemoryReturn: Sendable {
    /// How often it looks, and so at the latest how long after the end of the work it acts: two looks.
    static let interval = Duration.seconds(5)
    /// Processor time between two looks up to which the server is quiet: 5 % of one core.
    static let quiet = Duration.milliseconds(250)
    /// Processor time since the last return that makes another worth it.
    static let worthwhile = Duration.seconds(2)

    private struct Looks {
        var last: Duration
        var returned = Duration.zero
        var count = 0
    }

    private let used: @Sendable () -> Duration
    private let giveBack: @Sendable () -> Void
    private let looks: Mutex<Looks>

    /// - Parameters:
    ///   - used: The processor time that the process has used.
    ///   - giveBack: Returns what is free.
    init(
        used: @escaping @Sendable () -> Duration = MemoryReturn.processorTime,
        giveBack: @escaping @Sendable () -> Void = MemoryReturn.trim
    ) {
        self.used = used
        self.giveBack = giveBack
        looks = Mutex(Looks(last: used()))
    }

    /// Looks now and then, until the task is cancelled.
    func run() async {
        while true {
            do { try await Task.sleep(for: Self.interval) } catch { return }
            look()
        }
    }

    func look() {
        let now = used()
        let isDue = looks.withLock { looks in
            defer { looks.last = now }
            return now - looks.last <= Self.quiet && now - looks.returned >= Self.worthwhile
        }
        guard isDue else { return }
        giveBack()
        // The return's own work is none that calls for another.
        let after = used()
        looks.withLock { looks in
            looks.last = after
            looks.returned = after
            looks.count += 1
        }
    }

    var samples: [ServerMetrics.Sample] {
        [
            .init(
                .counter, "custody_memory_returns_total", "Times that free memory was given back to the system.",
                Double(looks.withLock(\.count)))
        ]
    }

    static func processorTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(Int64(time.tv_nsec))
    }

    static func trim() { _ = Allocator.trim?(0) }
}
