package import EventModel

/// Follows the numbers of one sequence and knows which are missing.
///
/// Deliveries overtake each other and come twice, so a hole counts as a gap only when its grace time is over, and what fills it
/// later is noted. A sender that counts anew is told from one that repeats itself by several numbers in a row.
package struct SequenceTracker: Codable, Hashable, Sendable {
    /// Numbers that are missing between others.
    package struct Hole: Codable, Hashable, Sendable {
        package var first: Int64
        package var last: Int64
        /// When it was seen first: the receipt of the event behind it, in nanoseconds.
        package var since: Int64
        /// Whether it was told as a gap.
        package var isTold = false

        package var count: UInt64 { UInt64(bitPattern: last &- first) &+ 1 }
    }

    package enum Finding: Hashable, Sendable {
        /// These numbers did not come.
        case gap(first: Int64, last: Int64)
        /// The last missing one of a gap that was told came after all.
        case filled(first: Int64, last: Int64)
        /// The numbers began again lower than they had come: how many are missing before that nobody can tell.
        case restarted(last: Int64, at: Int64)
    }

    /// Holes that are remembered of one sequence; the oldest beyond them are told at once and forgotten.
    package static let maximumHoles = 64
    /// So many numbers in a row that were there before mean that the sender counts anew.
    package static let restartRun = 3

    /// The number that comes next.
    package private(set) var next: Int64
    package private(set) var holes: [Hole] = []
    /// When the last number came, in nanoseconds.
    package private(set) var last: Int64
    private var repeated: Int64?
    private var run = 0

    package init(first: Int64, at received: Timestamp) {
        next = first &+ 1
        last = received.rawValue
    }

    /// How many numbers are missing.
    package var missing: UInt64 { holes.reduce(0) { $0 &+ $1.count } }

    /// Takes a number. Numbers come in the order of the ledger.
    package mutating func note(_ number: Int64, at received: Timestamp) -> [Finding] {
        // The next one could not be counted.
        guard number < Int64.max else { return [] }
        last = received.rawValue
        if number >= next {
            run = 0
            var findings: [Finding] = []
            if number > next {
                holes.append(Hole(first: next, last: number - 1, since: received.rawValue))
                if holes.count > Self.maximumHoles {
                    let oldest = holes.removeFirst()
                    if !oldest.isTold { findings.append(.gap(first: oldest.first, last: oldest.last)) }
                }
            }
            next = number + 1
            return findings
        }
        if let position = holes.firstIndex(where: { $0.first <= number && number <= $0.last }) {
            run = 0
            return fill(number, position)
        }
        run = repeated.map { $0 &+ 1 == number } == true ? run + 1 : 1
        repeated = number
        guard run >= Self.restartRun else { return [] }
        var findings: [Finding] = holes.filter { !$0.isTold }.map { .gap(first: $0.first, last: $0.last) }
        findings.append(.restarted(last: next - 1, at: number - Int64(run) + 1))
        holes = []
        run = 0
        next = number + 1
        return findings
    }

    private mutating func fill(_ number: Int64, _ position: Int) -> [Finding] {
        let hole = holes[position]
        switch (number == hole.first, number == hole.last) {
        case (true, true):
            holes.remove(at: position)
            return hole.isTold ? [.filled(first: hole.first, last: hole.last)] : []
        case (true, false): holes[position].first = number + 1
        case (false, true): holes[position].last = number - 1
        case (false, false):
            holes[position].last = number - 1
            // One more than the limit, until the next number that does not fit.
            holes.insert(
                Hole(first: number + 1, last: hole.last, since: hole.since, isTold: hole.isTold), at: position + 1)
        }
        return []
    }

    /// The holes whose grace time is over at a moment and that were not told before.
    package mutating func overdue(at now: Timestamp, graceSeconds: Int64) -> [Finding] {
        let latest = now.advanced(byNanoseconds: -graceSeconds * 1_000_000_000).rawValue
        var findings: [Finding] = []
        for position in holes.indices where !holes[position].isTold && holes[position].since < latest {
            holes[position].isTold = true
            findings.append(.gap(first: holes[position].first, last: holes[position].last))
        }
        return findings
    }

    package var hasUntold: Bool { holes.contains { !$0.isTold } }
}
