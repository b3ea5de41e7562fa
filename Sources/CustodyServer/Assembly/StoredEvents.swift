import EventModel
import EventStore
import Intake
import Journal

/// Every event of a data directory in leaf order, wherever it lies: in a segment, else in the journal. For work on all of
/// them while no server runs.
struct StoredEvents {
    /// Events handed over at a time.
    private static let batchEvents = 4_096

    /// Leaves without a gap that lie one behind the other in a segment.
    private struct Run {
        let first: UInt64
        let segment: SegmentReader
        let rows: Range<Int>
        var end: UInt64 { first + UInt64(rows.count) }
    }

    private let runs: [Run]
    private let journal: JournalReader
    private let keyer: DeliveryKeyer
    private let destroyed: LeafRanges

    /// - Parameter destroyed: Leaves that may be nowhere, because they were destroyed lawfully.
    /// - Throws: `damaged` when a segment cannot be read.
    init(
        segments: [SegmentReader], journal: JournalReader, keyer: DeliveryKeyer, destroyed: LeafRanges = LeafRanges()
    ) throws {
        self.journal = journal
        self.keyer = keyer
        self.destroyed = destroyed
        // Segments of two days or classes can interleave: deliveries received before midnight may be committed after it.
        runs = try segments.flatMap(Self.runs).sorted { $0.first < $1.first }
    }

    /// Batches come in order; between them are gaps only where events were destroyed.
    ///
    /// - Throws: ``ConfigurationError`` when leaves lie nowhere; what reading throws; what `body` throws.
    func forEachBatch(_ body: (RecordBatch) throws -> Void) throws {
        var next: UInt64 = 0
        for run in runs where run.end > next {
            try visitJournal(from: next, upTo: run.first, body)
            try visit(run, from: max(next, run.first), body)
            next = run.end
        }
        try visitJournal(from: next, upTo: max(next, journal.indexes.upperBound), body)
    }

    private func visit(_ run: Run, from first: UInt64, _ body: (RecordBatch) throws -> Void) throws {
        let keys = try run.segment.withDeliveryKeys { $0.map { Array($0[run.rows]) } }
        var row = run.rows.lowerBound + Int(first - run.first)
        while row < run.rows.upperBound {
            let rows = row..<min(row + Self.batchEvents, run.rows.upperBound)
            let start = run.first + UInt64(rows.lowerBound - run.rows.lowerBound)
            var bytes: [UInt8] = []
            var entries: [RecordBatch.Entry] = []
            var partition = JournalPartition(day: 0, retentionClass: 0)
            try run.segment.withRecords(rows) { row, view in
                partition = JournalPartition(day: view.received.day, retentionClass: view.retentionClass)
                let key = keys?[row - run.rows.lowerBound] ?? .none
                entries.append(.init(range: bytes.count..<bytes.count + view.bytes.count, key: key))
                bytes.append(contentsOf: view.bytes)
                return true
            }
            var seeds = SeedTable()
            for bundle in JournalBundle.numbers(of: start..<start + UInt64(rows.count)) {
                let inside = LeafIndex(max(start, bundle * JournalBundle.size))
                seeds[bundle: bundle, partition] = try run.segment.seed(for: inside)
            }
            try body(
                RecordBatch(partition: partition, start: LeafIndex(start), bytes: bytes, entries: entries, seeds: seeds)
            )
            row = rows.upperBound
        }
    }

    private func visitJournal(from first: UInt64, upTo end: UInt64, _ body: (RecordBatch) throws -> Void) throws {
        var first = first
        // In order, and each contains or touches the next leaf that is missing, or it is no explanation.
        for range in destroyed.ranges where range.contains(first) {
            first = min(range.upperBound + 1, end)
        }
        guard first < end else { return }
        guard journal.indexes.lowerBound <= first, end <= journal.indexes.upperBound else {
            throw ConfigurationError("the leaves \(first) to \(end - 1) are in no segment and not in the journal")
        }
        try journal.read(from: first, upTo: end) { batch in
            let entries = try batch.records.bytes.withUnsafeBytes { bytes in
                try (0..<batch.records.count).map { position in
                    let range = batch.records.range(of: position)
                    let known = keyer.entry(of: try SealedView(bytes.slice(range)))
                    let key = known.map { RecordKey(delivery: $0.key.bits, payload: UInt32($0.payload >> 32)) }
                    return RecordBatch.Entry(range: range, key: key ?? .none)
                }
            }
            try body(
                RecordBatch(
                    partition: batch.partition, start: LeafIndex(batch.firstIndex), bytes: batch.records.bytes,
                    entries: entries, seeds: batch.seeds))
        }
    }

    private static func runs(of segment: SegmentReader) throws -> [Run] {
        var runs: [Run] = []
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
