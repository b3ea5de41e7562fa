package import EventModel

/// How an event's own time stands to its receipt.
package enum EventClock: Sendable, Equatable {
    case agrees
    /// It claims to have happened after it was received, by more than the tolerance: a clock is wrong, here or there.
    case ahead(seconds: Int64)
    /// It was received longer after it happened than the tolerance. A delivery that waited, a pull of what was before and a clock
    /// that is slow look alike, so this is counted and not called a fault.
    case late(seconds: Int64)

    /// What hosts without synchronised clocks drift within, and several times what a delivery takes.
    package static let toleranceSeconds: Int64 = 300

    package init(time: Timestamp, received: Timestamp) {
        let (difference, overflow) = time.rawValue.subtractingReportingOverflow(received.rawValue)
        let nanoseconds = overflow ? (time < received ? Int64.min : .max) : difference
        let seconds = nanoseconds / 1_000_000_000
        self =
            if seconds >= Self.toleranceSeconds, nanoseconds > Self.toleranceSeconds * 1_000_000_000 {
                .ahead(seconds: seconds)
            } else if nanoseconds < -Self.toleranceSeconds * 1_000_000_000 {
                .late(seconds: -seconds)
            } else {
                .agrees
            }
    }

    /// What is sealed with an event whose clock is wrong.
    package var warning: String? {
        guard case .ahead(let seconds) = self else { return nil }
        return "clock skew: the event's time is \(seconds) seconds after its receipt"
    }
}
