import Detection
import EventModel
import EventStore

/// Finds out what the events of channels cover. What is asked for all times is asked once.
struct CoverageReader {
    /// Sources of one channel that are told of.
    static let sources = 1_000

    private let check: ExposureCheck
    private let now: Timestamp
    private var spans: [String: [ChannelCoverage.Source]] = [:]
    private var recordedGaps: [String: Timestamp]?

    init(check: ExposureCheck, now: Timestamp) {
        self.check = check
        self.now = now
    }

    mutating func coverage(of channel: EvidenceChannel, in window: KnownIncident.Window) async throws -> ChannelCoverage
    {
        let sources = try await sources(of: channel)
        let silence = ChannelCoverage.silence(in: window) * 1_000_000_000
        let span = ChannelCoverage.bucket(for: window) == 3_600 ? "1h" : "1d"
        var buckets: [Timestamp] = []
        var events = 0
        if !sources.isEmpty {
            let result = try await check.search(
                "\(channel.filter) | timechart span=\(span) count",
                since: window.from.advanced(byNanoseconds: -silence),
                until: window.until.advanced(byNanoseconds: silence),
                now, SearchOptions())
            for row in result.rows {
                guard case .time(let start)? = row.first, case .integer(let count)? = row.last, count > 0 else {
                    continue
                }
                buckets.append(start)
                if start >= window.from, start < window.until { events += Int(count) }
            }
        }
        return ChannelCoverage(
            channel: channel, sources: sources, window: window, events: events,
            gaps: ChannelCoverage.gaps(in: window, buckets: buckets),
            hasRecordedGap: sources.contains { ($0.lastRecordedGap ?? window.from) > window.from })
    }

    /// The sources that have brought events of a channel, by name.
    private mutating func sources(of channel: EvidenceChannel) async throws -> [ChannelCoverage.Source] {
        if let known = spans[channel.name] { return known }
        let missing = try await gaps()
        let result = try await check.search(
            "\(channel.filter) | stats count, min(time), max(time) by source.name", since: Timestamp(nanoseconds: 0),
            until: nil, now, SearchOptions(limit: Self.sources))
        let sources = result.rows.compactMap { row -> ChannelCoverage.Source? in
            guard row.count == 4, let name = row[0].text, case .integer(let count) = row[1],
                case .time(let first) = row[2], case .time(let last) = row[3]
            else { return nil }
            return ChannelCoverage.Source(
                name: name, events: Int(count), first: first, last: last, lastRecordedGap: missing[name])
        }.sorted { $0.name < $1.name }
        spans[channel.name] = sources
        return sources
    }

    /// By source, when it was put on record last that something is missing. When it happened is not known, only that it was before.
    private mutating func gaps() async throws -> [String: Timestamp] {
        if let recordedGaps { return recordedGaps }
        let result = try await check.search(
            "source:custody action:source.gap | stats max(time) by resource.name", since: Timestamp(nanoseconds: 0),
            until: nil, now, SearchOptions(limit: Self.sources))
        var gaps: [String: Timestamp] = [:]
        for row in result.rows {
            guard row.count == 2, let name = row[0].text, case .time(let time) = row[1] else { continue }
            gaps[name] = time
        }
        recordedGaps = gaps
        return gaps
    }
}
