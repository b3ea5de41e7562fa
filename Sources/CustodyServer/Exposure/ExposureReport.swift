import Detection
import EventModel

/// What a check of the known incidents found.
struct ExposureReport: Sendable {
    enum Answer: String, Sendable {
        case yes
        /// Nothing was found, and what would have shown it was covered.
        case no
        case cannotTell = "cannot_tell"
    }

    /// An event that has an indicator.
    struct Evidence: Sendable {
        let index: UInt64
        let indicator: String
        let weight: IncidentIndicator.Weight
        /// The event as JSON, with the fields that the reader may see.
        let event: [UInt8]
    }

    /// What was looked for, and how often it was found.
    struct Finding: Sendable {
        let indicator: IncidentIndicator
        let matched: Int
        /// False when there are at least so many.
        let isExact: Bool
        /// Events of which the outcome says that nothing was had: not counted above.
        let refused: Int
    }

    /// One incident.
    struct Entry: Sendable {
        let incident: KnownIncident
        var answer: Answer
        /// In a sentence, for people.
        var reason: String
        var findings: [Finding] = []
        /// The first events of each indicator, the proofs before the hints.
        var evidence: [Evidence] = []
        var coverage: [ChannelCoverage] = []
    }

    let packDigest: String
    let checked: Timestamp
    var entries: [Entry] = []
    var nanoseconds: Int64 = 0

    func count(_ answer: Answer) -> Int { entries.count { $0.answer == answer } }

    /// Events of evidence of an incident that are kept for the page; the searches beside them find the others.
    static let keptEvidence = 10

    /// What a server keeps of it: the first events of each incident.
    var shortened: ExposureReport {
        var report = self
        for number in report.entries.indices {
            report.entries[number].evidence = Array(report.entries[number].evidence.prefix(Self.keptEvidence))
        }
        return report
    }
}

/// Which of an incident's window the events of a channel cover.
struct ChannelCoverage: Sendable {
    struct Source: Sendable, Equatable {
        let name: String
        /// Of all its events in this channel, whenever they were.
        let events: Int
        let first: Timestamp
        let last: Timestamp
        /// When it was put on record last that something of this source is missing; nil when never.
        let lastRecordedGap: Timestamp?
    }

    let channel: EvidenceChannel
    /// By name.
    let sources: [Source]
    let window: KnownIncident.Window
    /// Events in the window.
    let events: Int
    /// Stretches of the window without an event of the channel that are longer than a source is quiet by itself.
    let gaps: [KnownIncident.Window]
    /// Whether a source of the channel had to record that events are missing which may be of the window.
    let hasRecordedGap: Bool

    /// Whether nothing in the channel's reach can have been missed in the window.
    var isWhole: Bool { gaps.isEmpty && !hasRecordedGap && !sources.isEmpty }
    /// Whether there is nothing of the window at all.
    var isEmpty: Bool { gaps == [window] }
}

extension ChannelCoverage {
    /// A source that is silent for longer than this may not have been there: a day, and for windows of weeks an eighth of
    /// them, up to a long weekend.
    static let leastSilence: Int64 = 24 * 3_600
    static let longestSilence: Int64 = 96 * 3_600

    static func silence(in window: KnownIncident.Window) -> Int64 {
        min(longestSilence, max(leastSilence, (window.until.seconds - window.from.seconds) / 8))
    }

    /// The width of the buckets in which events are counted, in seconds: hours, and days where that would be too many.
    static func bucket(for window: KnownIncident.Window) -> Int64 {
        window.until.seconds - window.from.seconds > 14 * 86_400 ? 86_400 : 3_600
    }

    /// The stretches of a window in which no bucket with events is near.
    ///
    /// - Parameter buckets: When the buckets that hold events begin, in any order, also of the time around the window.
    static func gaps(in window: KnownIncident.Window, buckets: [Timestamp]) -> [KnownIncident.Window] {
        let width = bucket(for: window) * 1_000_000_000
        let silence = silence(in: window) * 1_000_000_000
        var gaps: [KnownIncident.Window] = []
        func note(_ from: Timestamp, _ until: Timestamp) {
            guard until.nanoseconds - from.nanoseconds > silence else { return }
            let gap = KnownIncident.Window(from: max(from, window.from), until: min(until, window.until))
            if gap.from < gap.until { gaps.append(gap) }
        }
        let far = window.until.advanced(byNanoseconds: 2 * silence + width)
        var reached = window.from.advanced(byNanoseconds: -2 * silence - width)
        for start in buckets.sorted() {
            note(reached, start)
            reached = max(reached, start.advanced(byNanoseconds: width))
        }
        note(reached, far)
        return gaps
    }
}
