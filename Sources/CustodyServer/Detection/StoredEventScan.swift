import EventModel
import EventStore
import HTTPTypes
import Journal

/// Reads what a running server holds in leaf order: segments first, and from the journal what is in none yet. Of segments
/// only the records that a filter leaves are read.
struct StoredEventScan {
    /// What is handed over.
    enum Step {
        case event(LeafIndex, SealedView)
        /// Events that the filter leaves out, one behind the other: how many, the last of them, and its receipt.
        case passed(Int, last: LeafIndex, received: Timestamp)
    }

    let store: StoreSnapshots
    let journal: JournalReader

    /// Hands over every event received in an interval until `body` returns false.
    ///
    /// The end is that of the journal now: what comes meanwhile is not waited for. Blocks; not for the shared pool.
    ///
    /// - Parameters:
    ///   - filter: What is to be read. From the journal, which has no index, everything is.
    ///   - seconds: Whether events that are left out are told of at each second that one was received in, the first of
    ///     them: what time passes for operators is told as if they had been read.
    /// - Throws: What reading throws; what `body` throws.
    func forEach(
        receivedIn interval: Range<Timestamp>, _ filter: CandidateFilter = .everything, seconds: Bool = false,
        _ body: (Step) throws -> Bool
    ) throws {
        let end = journal.indexes.upperBound
        let segments = store.segments()
        let stored = segments.map { $0.indexes.upperBound.rawValue + 1 }.max() ?? 0
        let wanted = segments.filter { segment in
            let bounds = segment.receivedBounds
            return bounds.upperBound >= interval.lowerBound && bounds.lowerBound < interval.upperBound
        }
        var order = SegmentOrder(wanted)
        while let part = try order.next(filter) {
            let walk = SegmentPart(part.cursor, rows: part.rows, interval: interval, seconds: seconds)
            guard try walk.forEach(body) else { return }
        }
        // What was sealed and left the journal since the look at the segments would be missing.
        guard journal.indexes.lowerBound <= max(stored, order.next) else {
            throw Problem(
                .serviceUnavailable, "moved", "events were moved while they were read; try again",
                headers: [.retryAfter: "1"])
        }
        _ = try visitJournal(from: max(order.next, stored), upTo: end, interval, body)
    }

    /// Visits what the journal holds of a range; the rest of it lies in segments that the interval leaves out.
    private func visitJournal(
        from first: UInt64, upTo end: UInt64, _ interval: Range<Timestamp>, _ body: (Step) throws -> Bool
    ) throws -> Bool {
        let start = max(first, journal.indexes.lowerBound)
        guard start < end else { return true }
        var isGoingOn = true
        try journal.read(from: start, upTo: end) { batch in
            guard isGoingOn else { return }
            try batch.records.bytes.withUnsafeBytes { bytes in
                for position in 0..<batch.records.count where isGoingOn {
                    let view = try SealedView(bytes.slice(batch.records.range(of: position)))
                    guard interval.contains(view.received) else { continue }
                    isGoingOn = try body(.event(LeafIndex(batch.firstIndex + UInt64(position)), view))
                }
            }
        }
        return isGoingOn
    }
}

/// Puts segments in leaf order. Those of two days or classes can interleave, so they are taken in parts: as many rows of
/// one as lie before the next row of any other.
private struct SegmentOrder {
    /// A segment that is being read.
    final class Cursor {
        let segment: SegmentReader
        let rows: CandidateRows
        /// The next row, and its leaf.
        fileprivate(set) var row = 0
        fileprivate(set) var leaf: UInt64

        init(_ segment: SegmentReader, _ filter: CandidateFilter) throws {
            self.segment = segment
            rows = try CandidateRows(segment, filter)
            leaf = segment.indexes.lowerBound.rawValue
        }

        /// The first row from the next one on whose leaf is not below a limit.
        fileprivate func row(notBelow limit: UInt64) throws -> Int {
            guard segment.indexes.upperBound.rawValue >= limit else { return segment.rowCount }
            // Most parts are either short or long: double the step, then search inside it.
            var (low, step) = (row, 1)
            while low + step < segment.rowCount, try segment.leafIndex(ofRow: low + step).rawValue < limit {
                low += step
                step *= 2
            }
            var high = min(low + step, segment.rowCount)
            low += 1
            while low < high {
                let middle = (low + high) / 2
                if try segment.leafIndex(ofRow: middle).rawValue < limit { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    /// Those that nobody has looked at, the first last.
    private var waiting: [SegmentReader]
    private var open: [Cursor] = []
    /// The leaf behind the last that was given out.
    private(set) var next: UInt64 = 0

    init(_ segments: [SegmentReader]) {
        waiting = segments.filter { $0.rowCount > 0 }.sorted { $0.indexes.lowerBound > $1.indexes.lowerBound }
    }

    /// The next part; nil behind the last.
    mutating func next(_ filter: CandidateFilter) throws -> (cursor: Cursor, rows: Range<Int>)? {
        if open.isEmpty, let segment = waiting.popLast() { open.append(try Cursor(segment, filter)) }
        while let first = waiting.last, let least = open.map(\.leaf).min(), first.indexes.lowerBound.rawValue < least {
            waiting.removeLast()
            open.append(try Cursor(first, filter))
        }
        guard let cursor = open.min(by: { $0.leaf < $1.leaf }) else { return nil }
        var limit = waiting.last?.indexes.lowerBound.rawValue ?? .max
        for other in open where other !== cursor { limit = min(limit, other.leaf) }
        let rows = cursor.row..<(try cursor.row(notBelow: limit))
        next = try cursor.segment.leafIndex(ofRow: rows.upperBound - 1).rawValue + 1
        cursor.row = rows.upperBound
        if cursor.row < cursor.segment.rowCount {
            cursor.leaf = try cursor.segment.leafIndex(ofRow: cursor.row).rawValue
        } else {
            open.removeAll { $0 === cursor }
        }
        return (cursor, rows)
    }
}

/// Some rows of a segment, one behind the other.
private struct SegmentPart {
    private let segment: SegmentReader
    private let candidates: CandidateRows
    private let rows: Range<Int>
    private let interval: Range<Timestamp>
    private let seconds: Bool
    /// Whether all rows of the segment were received in the interval.
    private let isInside: Bool

    init(_ cursor: SegmentOrder.Cursor, rows: Range<Int>, interval: Range<Timestamp>, seconds: Bool) {
        segment = cursor.segment
        candidates = cursor.rows
        self.rows = rows
        self.interval = interval
        self.seconds = seconds
        let bounds = cursor.segment.receivedBounds
        isInside = interval.contains(bounds.lowerBound) && interval.contains(bounds.upperBound)
    }

    /// Says whether `body` never returned false.
    func forEach(_ body: (StoredEventScan.Step) throws -> Bool) throws -> Bool {
        try segment.withTimes(.received) { times in
            var row = rows.lowerBound
            while row < rows.upperBound {
                let candidate = min(candidates.first(from: row) ?? rows.upperBound, rows.upperBound)
                guard try pass(row..<candidate, times, body) else { return false }
                row = candidate
                guard row < rows.upperBound else { break }
                if interval.contains(Timestamp(nanoseconds: times[row])) {
                    let index = try segment.leafIndex(ofRow: row)
                    var isGoingOn = true
                    try candidates.withRecord(ofRow: row) { isGoingOn = try body(.event(index, $0)) }
                    guard isGoingOn else { return false }
                }
                row += 1
            }
            return true
        }
    }

    private func pass(
        _ rows: Range<Int>, _ times: UnsafeBufferPointer<Int64>, _ body: (StoredEventScan.Step) throws -> Bool
    ) throws -> Bool {
        guard !rows.isEmpty else { return true }
        if isInside, !seconds {
            let last = rows.upperBound - 1
            return try body(
                .passed(
                    rows.count, last: try segment.leafIndex(ofRow: last),
                    received: Timestamp(nanoseconds: times[last])))
        }
        var count = 0
        var last: Int?
        var second: Int64?
        for row in rows {
            let time = Timestamp(nanoseconds: times[row])
            guard isInside || interval.contains(time) else { continue }
            count += 1
            last = row
            guard seconds, time.seconds != second else { continue }
            second = time.seconds
            guard try body(.passed(count, last: try segment.leafIndex(ofRow: row), received: time)) else {
                return false
            }
            count = 0
        }
        guard count > 0, let last else { return true }
        return try body(
            .passed(
                count, last: try segment.leafIndex(ofRow: last), received: Timestamp(nanoseconds: times[last])))
    }
}
