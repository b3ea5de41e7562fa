package import EventModel

/// A time as it was typed and the moments that it covers: `start` up to, not including, `end`.
///
/// A date covers its day in UTC; every other time covers one nanosecond. So `time:2026-11-01` is that day, `>2026-11-01`
/// is after that day, `<=2026-11-01` includes it, and in a range A..B both stand for their `start`.
package struct TimeLiteral: Hashable, Sendable {
    package enum Spelling: Hashable, Sendable {
        case now
        /// `-15m`: before now.
        case ago(QueryDuration)
        /// `2026-11-01`.
        case date
        /// RFC 3339 and the looser forms that ``Timestamp`` reads.
        case instant
    }

    package let spelling: Spelling
    package let start: Timestamp
    package let end: Timestamp

    /// Reads a time; relative ones are taken from `now`. Nil for what is no time.
    package init?(parsing text: String, now: Timestamp) {
        if text == "now" {
            self.init(.now, at: now)
        } else if text.first == "-" {
            guard let duration = QueryDuration(parsing: String(text.dropFirst())) else { return nil }
            self.init(.ago(duration), at: now.advanced(byNanoseconds: -duration.nanoseconds))
        } else {
            guard let moment = Timestamp(parsing: text) else { return nil }
            self.init(text.utf8.count == 10 ? .date : .instant, at: moment)
        }
    }

    init(_ spelling: Spelling, at start: Timestamp) {
        self.spelling = spelling
        self.start = start
        end = start.advanced(byNanoseconds: spelling == .date ? QueryDuration.Unit.day.nanoseconds : 1)
    }

    /// Whether what it means depends on when the query is asked.
    package var isRelative: Bool {
        switch spelling {
        case .now, .ago: true
        case .date, .instant: false
        }
    }

    /// Whether it counts back from now.
    package var isAgo: Bool { if case .ago = spelling { true } else { false } }

    /// The canonical spelling: relative times as typed, others in UTC.
    package var text: String {
        switch spelling {
        case .now: "now"
        case .ago(let duration): "-" + duration.text
        case .date: String(start.text.prefix(10))
        case .instant: start.text
        }
    }
}
