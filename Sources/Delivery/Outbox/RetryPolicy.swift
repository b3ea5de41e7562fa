/// When a message that failed is tried again, and when it is given up.
package struct RetryPolicy: Sendable {
    /// With the delays below the last attempt comes about nine hours after the first: a night's outage is survived.
    package var maximumAttempts = 16
    package var firstDelay: Duration = .seconds(5)
    /// Also the longest `Retry-After` that is believed.
    package var maximumDelay: Duration = .seconds(3_600)

    package init() {}

    /// The wait after an attempt: doubled each time, between half of it and all of it, so that receivers that come back
    /// are not met by everybody at once.
    ///
    /// - Parameters:
    ///   - attempt: 1 for the first.
    ///   - random: A number from 0 up to 1.
    func delay(afterAttempt attempt: Int, retryAfter: Int?, random: Double) -> Int64 {
        let longest = Self.nanoseconds(maximumDelay)
        let doubled = Double(Self.nanoseconds(firstDelay)) * Double(UInt64(1) << UInt64(min(attempt - 1, 30)))
        let delay = Int64(min(doubled, Double(longest)) * (0.5 + random / 2))
        guard let retryAfter, retryAfter > 0 else { return delay }
        return max(delay, Int64(min(Double(retryAfter) * 1e9, Double(longest))))
    }

    static func nanoseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
    }
}
