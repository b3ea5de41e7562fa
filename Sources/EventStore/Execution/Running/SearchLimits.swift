/// What one search may cost. Each bound exists so that no query, typed by whomever, takes the store away from the others.
package struct SearchLimits: Sendable {
    /// How long a search may run. Long enough for a scan of a hundred million payloads, short enough that a forgotten
    /// browser tab does not keep a core.
    package var duration: Duration = .seconds(30)
    /// How long a search may run that nobody waits for, on one core: a scan of a hundred million payloads, with room.
    package var backgroundDuration: Duration = .seconds(600)
    /// Bytes that one search may hold, by an estimate of what it keeps: what a small machine can spare once and a table of a
    /// million groups needs.
    package var memory = 256 << 20
    /// Bytes that all searches together may hold, so that no number of them takes the process's memory.
    package var memoryOfAll = 384 << 20
    /// Bytes of segment files that stay resident between searches, roughly. Beyond it their pages are let go; they come back from
    /// the system's cache at some gigabytes a second.
    package var mappedBytes = 128 << 20
    /// Searches that run at once, taking turns; each holds little but what the two limits above bound.
    package var running = 64
    /// Searches that wait for one of those to end: a connection and a few kilobytes each. Beyond it they are refused.
    package var waiting = 1_024
    /// Groups of one `stats`, `timechart`, `top` or `rare`: about 200 bytes each.
    package var groups = 1_000_000
    /// Distinct values that all `dcount`s of a search count together, over all groups: about 24 bytes each.
    package var distinctValues = 16_000_000
    /// Values that percentiles keep: exact ranks need them all, 12 bytes each.
    package var rankedValues = 16_000_000
    /// Events that have to be put in order or into a table as a whole, because a later stage needs all of them: about 24
    /// bytes each in order, a few hundred in a table.
    package var orderedEvents = 2_000_000
    package var tableRows = 1_000_000
    /// Events or rows of one answer.
    package var pageRows = 10_000
    /// Events of one answer unless the caller says otherwise.
    package var defaultPageEvents = 100
    /// Segments searched at once.
    package var parallelism = 2
    /// Events searched outside the default window when there is no hit inside stop counting at this number of hits.
    package var outsideHits = 10_000

    /// Values of all segments together that completion adds up one by one, some milliseconds; of more only the frequent ones.
    package var rankedCandidates = ValueRanking.defaultCap

    /// Records of one segment that are all looked at, though the events wanted were found, so that the number of hits is
    /// exact: a few milliseconds. Of more, those are left out that cannot be among the first.
    package var countedRecords = 4_096

    package init() {}

    /// What a search may cost that nobody waits for.
    var inBackground: SearchLimits {
        var limits = self
        limits.duration = backgroundDuration
        limits.parallelism = 1
        return limits
    }
}
