import EventModel
import EventStore
import HTTPTypes
import Journal

/// Reads what a running server holds in leaf order: segments first, and from the journal what is in none yet.
struct StoredEventScan {
    /// Leaves without a gap that lie one behind the other in a segment.
    private struct Run {
        let first: UInt64
        let segment: SegmentReader
        let rows: Range<Int>
        var end: UInt64 { first + UInt64(rows.count) }
    }

    let store: StoreSnapshots
    let journal: JournalReader

    /// Hands over every event received in an interval until `body` returns false.
    ///
    /// The end is that of the journal now: what comes meanwhile is not waited for. Blocks; not for the shared pool.
    /// - Throws: What reading throws; what `body` throws.
    func forEach(
        receivedIn interval: Range<Timestamp>, _ body: (LeafIndex, SealedView) throws -> Bool
    ) throws {
        let end = journal.indexes.upperBound
        var next: UInt64 = 0
        func visit(_ index: UInt64, _ view: SealedView) throws -> Bool {
            guard index >= next, index < end else { return true }
            next = index + 1
            return try interval.contains(view.received) ? body(LeafIndex(index), view) : true
        }
        let segments = store.segments()
        let stored = segments.map { $0.indexes.upperBound.rawValue + 1 }.max() ?? 0
        for run in try runs(of: segments, in: interval) where run.end > next {
            var index = run.first
            let isGoingOn = try run.segment.withRecords(while: run.rows) { view in
                defer { index += 1 }
                return try visit(index, view)
            }
            guard isGoingOn else { return }
        }
        // What was sealed and left the journal since the look at the segments would be missing.
        guard journal.indexes.lowerBound <= max(stored, next) else {
            throw Problem(
                .serviceUnavailable, "moved", "events were moved while they were read; try again",
                headers: [.retryAfter: "1"])
        }
        _ = try visitJournal(from: max(next, stored), upTo: end, visit)
    }

    /// Visits what the journal holds of a range; the rest of it lies in segments that the interval leaves out.
    private func visitJournal(
        from first: UInt64, upTo end: UInt64, _ body: (UInt64, SealedView) throws -> Bool
    ) throws -> Bool {
        let start = max(first, journal.indexes.lowerBound)
        guard start < end else { return true }
        var isGoingOn = true
        try journal.read(from: start, upTo: end) { batch in
            guard isGoingOn else { return }
            try batch.records.bytes.withUnsafeBytes { bytes in
                for position in 0..<batch.records.count where isGoingOn {
                    let view = try SealedView(bytes.slice(batch.records.range(of: position)))
                    isGoingOn = try body(batch.firstIndex + UInt64(position), view)
                }
            }
        }
        return isGoingOn
    }

    private func runs(of segments: [SegmentReader], in interval: Range<Timestamp>) throws -> [Run] {
        let wanted = segments.filter { segment in
            let bounds = segment.receivedBounds
            return bounds.upperBound >= interval.lowerBound && bounds.lowerBound < interval.upperBound
        }
        return try wanted.flatMap(Self.runs).sorted { $0.first < $1.first }
    }

    private static func runs(of segment: SegmentReader) throws -> [Run] {
        var runs: [Run] = []
        guard segment.rowCount > 0 else { return runs }
        var start = 0
        var first = try segment.leafIndex(ofRow: 0).rawValue
        for row in 1..<segment.rowCount + 1 {
            let index = row < segment.rowCount ? try segment.leafIndex(ofRow: row).rawValue : UInt64.max
            guard index != first + UInt64(row - start) else { continue }
            runs.append(Run(first: first, segment: segment, rows: start..<row))
            (start, first) = (row, index)
        }
        return runs
    }
}

extension SegmentReader {
    /// Visits the records of some rows until `body` returns false; says whether it never did.
    fileprivate func withRecords(while rows: Range<Int>, _ body: (SealedView) throws -> Bool) throws -> Bool {
        var isGoingOn = true
        try withRecords(rows) { _, view in
            isGoingOn = try body(view)
            return isGoingOn
        }
        return isGoingOn
    }
}
