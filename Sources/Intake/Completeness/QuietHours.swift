package import EventModel

/// Hours of each day, in UTC, in which nothing is expected of a source: `22:00-06:00`.
package struct QuietHours: Hashable, Sendable {
    private static let secondsOfDay: Int64 = 86_400

    /// Seconds since midnight; the end lies before the beginning when midnight is between them.
    private let begin: Int64
    private let end: Int64
    package let text: String

    /// Nil for what is not two different times `HH:MM` with a hyphen between them.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let begin = Self.seconds(parts[0]), let end = Self.seconds(parts[1]), begin != end
        else {
            return nil
        }
        self.begin = begin
        self.end = end
        self.text = text
    }

    private static func seconds(_ text: Substring) -> Int64? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { $0 &- 0x30 < 10 } }),
            let hour = Int64(parts[0]), let minute = Int64(parts[1]), hour < 24, minute < 60
        else { return nil }
        return hour * 3_600 + minute * 60
    }

    /// How many seconds between two moments lie outside these hours.
    package func expectedSeconds(from start: Timestamp, to end: Timestamp) -> Int64 {
        guard start < end else { return 0 }
        return expectedSeconds(until: end.seconds) - expectedSeconds(until: start.seconds)
    }

    /// The same since the beginning of the day in which 1970 began.
    private func expectedSeconds(until moment: Int64) -> Int64 {
        var days = moment / Self.secondsOfDay
        var rest = moment % Self.secondsOfDay
        if rest < 0 {
            rest += Self.secondsOfDay
            days -= 1
        }
        let quiet: Int64
        let quietToday: Int64
        if begin < end {
            quiet = end - begin
            quietToday = max(0, min(rest, end) - begin)
        } else {
            quiet = Self.secondsOfDay - begin + end
            quietToday = min(rest, end) + max(0, rest - begin)
        }
        return days * (Self.secondsOfDay - quiet) + rest - quietToday
    }
}
