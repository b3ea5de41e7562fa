package import EventModel

/// What is expected of a source: that it sends, and that its own numbers have no holes.
package struct SourceExpectations: Hashable, Sendable {
    package struct Sequence: Hashable, Sendable {
        /// Where the number stands.
        package var field: EventFieldPath
        /// What tells several sequences of one source apart, as a shard or a host; nil when it has one.
        package var partition: EventFieldPath?
        /// How long a missing number may still come, since deliveries overtake each other.
        package var graceSeconds: Int64

        package init(field: EventFieldPath, partition: EventFieldPath?, graceSeconds: Int64) {
            self.field = field
            self.partition = partition
            self.graceSeconds = graceSeconds
        }
    }

    /// How far apart two events may be at most, a heartbeat; nil when that is not looked at.
    package var everySeconds: Int64?
    package var quietHours: QuietHours?
    package var sequence: Sequence?

    /// Less than a minute is a matter of a monitoring system; more than a month is no heartbeat.
    package static let heartbeatSeconds: ClosedRange<Int64> = 60...2_678_400
    package static let graceSeconds: ClosedRange<Int64> = 0...86_400
    /// Retries of most senders are over by then.
    package static let usualGraceSeconds: Int64 = 300

    package init(everySeconds: Int64? = nil, quietHours: QuietHours? = nil, sequence: Sequence? = nil) {
        self.everySeconds = everySeconds
        self.quietHours = quietHours
        self.sequence = sequence
    }

    /// How long a source has been silent, in seconds in which something is expected.
    package func silentSeconds(since last: Timestamp, at now: Timestamp) -> Int64 {
        quietHours?.expectedSeconds(from: last, to: now) ?? max(0, now.seconds - last.seconds)
    }

    /// Whether a source whose last sign of life was then is to be called quiet.
    package func isQuiet(since last: Timestamp, at now: Timestamp) -> Bool {
        guard let everySeconds else { return false }
        return silentSeconds(since: last, at: now) > everySeconds
    }
}
