import Connectors
import EventModel
import EventStore
import Intake
import Journal

/// Reads the stored events of one source again, segment by segment, and hands what reads otherwise to a draft.
///
/// Blocks; made for a thread of its own. Holds one block of records, the rows of one draft file and a few examples, whatever the
/// length of the history.
struct Rereading: Sendable {
    /// Events between two looks at whether anybody wants the run to end, and how much disk is left.
    static let batchEvents = 4_096
    /// Differing events that are shown field by field.
    static let examples = 5

    let source: String
    /// Events received before this keep the reading that they have; nil for all of them.
    let since: Timestamp?
    let catalogue: ConnectorCatalogue
    /// The source's own connector; nil for one that takes anything.
    let connector: Connector?
    let limits: IntakeLimits

    /// What a run has come to.
    struct Counts: Sendable, Equatable {
        /// The source's events that were received since the moment given.
        var events: UInt64 = 0
        /// Of these, those that were looked at so far.
        var read: UInt64 = 0
        /// Those that read otherwise than they were sealed.
        var differing: UInt64 = 0
        /// Those of which no connector of today makes one event: they read as they were sealed.
        var unreadable: UInt64 = 0
        /// Those of which something was destroyed, and Custody's own.
        var untouched: UInt64 = 0
        /// Events before `since` that keep an earlier reading.
        var kept: UInt64 = 0
        var examples: [Example] = []
        /// The connectors, as `norm.overlay` names them, and how many events each reads otherwise.
        var connectors: [String: UInt64] = [:]
    }

    struct Example: Sendable, Equatable {
        let index: UInt64
        let differences: [EventDifference]
    }

    /// - Parameters:
    ///   - segments: what is read; those of one partition ascending.
    ///   - draft: what takes what reads otherwise; nil to count only.
    ///   - progress: gets the counts after each batch.
    ///   - check: throws when the run is to end.
    func run(
        over segments: [SegmentReader], into draft: OverlayDraft?, progress: (Counts) -> Void, check: () throws -> Void
    ) throws -> Counts {
        var counts = Counts()
        let reader = EventRereader(catalogue: catalogue, connector: connector, limits: limits)
        // Partitions one after the other, so that a file of the draft is of one.
        let parts = Dictionary(grouping: segments, by: \.partition)
        let order = parts.keys.sorted { ($0.day, $0.retentionClass) < ($1.day, $1.retentionClass) }
        for partition in order { try count(parts[partition] ?? [], &counts, check) }
        progress(counts)
        for partition in order {
            let writer = try draft?.writer(of: partition)
            var earlier = since == nil ? nil : EarlierReadings(draft?.earlier ?? [], of: partition)
            for segment in parts[partition] ?? [] {
                try forEachBatch(of: segment) { rows in
                    try check()
                    try read(rows, of: segment, reader, writer, &earlier, &counts)
                    progress(counts)
                }
                segment.release()
            }
            try writer?.finish()
        }
        return counts
    }

    private func count(_ segments: [SegmentReader], _ counts: inout Counts, _ check: () throws -> Void) throws {
        for segment in segments {
            try check()
            try forEachBatch(of: segment) { rows in
                guard let since, segment.receivedBounds.lowerBound < since else {
                    counts.events += UInt64(rows.count)
                    return
                }
                counts.events += try segment.withTimes(.received) { times in
                    rows.reduce(0) { $0 + (times[$1] >= since.rawValue ? 1 : 0) }
                }
            }
        }
    }

    /// Visits the rows of the source's events.
    private func forEachBatch(of segment: SegmentReader, _ body: ([Int]) throws -> Void) throws {
        guard let column = try segment.column(.sourceName),
            let code = Array(source.utf8).withUnsafeBytes({ column.code(of: $0) })
        else { return }
        var rows: [Int] = []
        for row in 0..<segment.rowCount where column.code(ofRow: row) == code {
            rows.append(row)
            guard rows.count == Self.batchEvents else { continue }
            try body(rows)
            rows.removeAll(keepingCapacity: true)
        }
        if !rows.isEmpty { try body(rows) }
    }

    private func read(
        _ rows: [Int], of segment: SegmentReader, _ reader: EventRereader, _ writer: OverlayDraft.Writer?,
        _ earlier: inout EarlierReadings?, _ counts: inout Counts
    ) throws {
        guard let first = rows.first, let last = rows.last else { return }
        let known = try earlier?.readings(
            in: segment.leafIndex(ofRow: first).rawValue...segment.leafIndex(ofRow: last).rawValue)
        try segment.withRecords(rows) { row, view in
            let index = try segment.leafIndex(ofRow: row)
            if let since, view.received < since {
                guard let bytes = known?[index.rawValue] else { return true }
                counts.kept += 1
                try bytes.withUnsafeBytes { try writer?.append(SealedView($0), index: index) }
                return true
            }
            counts.read += 1
            try reader.reread(view) { outcome in
                switch outcome {
                case .same: break
                case .untouched: counts.untouched += 1
                case .unreadable: counts.unreadable += 1
                case .differs(let reading):
                    counts.differing += 1
                    counts.connectors[reading.text(.normOverlay) ?? "", default: 0] += 1
                    if counts.examples.count < Self.examples {
                        counts.examples.append(
                            Example(
                                index: index.rawValue, differences: EventDifference.all(between: view, and: reading)))
                    }
                    try writer?.append(reading, index: index)
                }
            }
            return true
        }
    }
}

/// What the events of one partition read like before the run, handed out in ascending order.
struct EarlierReadings {
    private var places: [(reader: SegmentReader, next: Int)]

    init(_ readers: [SegmentReader], of partition: JournalPartition) {
        places = readers.filter { $0.partition == partition }.map { ($0, 0) }
    }

    /// The readings of leaves in a range, which begins behind the one before.
    mutating func readings(in leaves: ClosedRange<UInt64>) throws -> [UInt64: [UInt8]] {
        var found: [UInt64: [UInt8]] = [:]
        for number in places.indices {
            let (reader, start) = places[number]
            guard start < reader.rowCount, reader.indexes.lowerBound.rawValue <= leaves.upperBound else { continue }
            var index = try reader.leafIndexes()
            var first = start
            while first < reader.rowCount, index(first).rawValue < leaves.lowerBound { first += 1 }
            var end = first
            while end < reader.rowCount, index(end).rawValue <= leaves.upperBound { end += 1 }
            places[number].next = end
            try reader.withRecords(first..<end) { row, view in
                found[index(row).rawValue] = Array(view.bytes)
                return true
            }
        }
        return found
    }
}
