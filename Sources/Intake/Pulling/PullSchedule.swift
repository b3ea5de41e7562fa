/// When a pull is tried again.
package struct PullSchedule: Sendable {
    /// The wait after the first failure; it doubles with each further one.
    package static let firstSeconds: Int64 = 1
    /// No wait is longer, so that a place that is well again is noticed.
    package static let longestSeconds: Int64 = 300
    /// A place that asks for more patience than this is asked before its time.
    package static let longestRetryAfterSeconds: Int64 = 3_600

    /// Seconds between two pulls that brought all there was.
    package let intervalSeconds: Int64
    private(set) var failures = 0

    package init(intervalSeconds: Int64) { self.intervalSeconds = intervalSeconds }

    /// - Returns: How long to wait after a page.
    package mutating func succeeded(hasMore: Bool) -> Duration {
        failures = 0
        return hasMore ? .zero : .seconds(intervalSeconds)
    }

    /// The wait after a failure: a random part of an interval that doubles (so that many who failed together do not come back
    /// together), never less than the place asked for.
    ///
    /// - Parameter fraction: From 0 up to 1, drawn by the caller.
    package mutating func failed(_ error: PullError, fraction: Double) -> Duration {
        let ceiling = min(Self.longestSeconds, Self.firstSeconds << Int64(min(failures, 20)))
        failures += 1
        let wait = Duration.milliseconds(Int64(Double(ceiling * 1_000) * (0.5 + fraction / 2)))
        guard let asked = error.retryAfterSeconds else { return wait }
        return max(wait, .seconds(min(max(asked, 0), Self.longestRetryAfterSeconds)))
    }
}
