import EventModel

extension SegmentFilter {
    /// Those rows among `candidates` for which the filter holds on their records. Blocks without a candidate are not
    /// decompressed.
    func records(_ filter: CompiledFilter, _ candidates: RowSet) async throws -> RowSet {
        var scan = RecordScan(self, filter, candidates)
        guard let reader = rows as? SegmentReader else {
            if let bounds = candidates.bounds {
                try rows.withBlocks(bounds) { block in
                    try scan.add(block)
                    return true
                }
            }
            return scan.selected
        }
        let decoder = try BlockDecoder(reader)
        var next = candidates.first(from: 0)
        while let row = next {
            try await worker.pause()
            next = try meter.measure("records") {
                let block = try decoder.block(holding: row)
                try scan.add(block)
                return candidates.first(from: block.rows.upperBound)
            }
        }
        return scan.selected
    }
}

/// Decides the rows of one block after the other.
private struct RecordScan {
    private let segment: SegmentFilter
    private let predicate: EventPredicate
    private let searchers: [FoldedSearcher]?
    private let candidates: RowSet
    private(set) var selected: RowSet

    init(_ segment: SegmentFilter, _ filter: CompiledFilter, _ candidates: RowSet) {
        self.segment = segment
        predicate = EventPredicate(filter)
        searchers = RequiredBytes(filter).map { $0.fragments.map(FoldedSearcher.init) }
        self.candidates = candidates
        selected = RowSet(rowCount: candidates.rowCount)
    }

    mutating func add(_ block: RecordBlock) throws {
        guard let first = candidates.first(from: block.firstRow), block.rows.contains(first) else { return }
        segment.meter.addScanned(block.bytes.count, in: "records")
        // Searching a whole block looks at bytes between candidates too: worth it unless they are few.
        if let searchers, candidates.count(in: block.rows) * 8 >= block.rowCount {
            for searcher in searchers { try search(block, searcher) }
            return
        }
        var next: Int? = first
        while let row = next, block.rows.contains(row) {
            next = candidates.first(from: row + 1)
            let bytes = block.bytes.slice(block.range(ofRow: row))
            if let searchers, !searchers.contains(where: { $0.firstIndex(in: bytes) != nil }) { continue }
            try decide(row, block)
        }
    }

    private mutating func search(_ block: RecordBlock, _ searcher: FoldedSearcher) throws {
        var offset = 0
        while let found = searcher.firstIndex(in: block.bytes, from: offset) {
            let row = block.row(holding: found)
            offset = block.range(ofRow: row).upperBound
            if candidates.contains(row), !selected.contains(row) { try decide(row, block) }
        }
    }

    private mutating func decide(_ row: Int, _ block: RecordBlock) throws {
        let view: SealedView
        do {
            view = try block.record(ofRow: row)
        } catch let error as EventModelError {
            throw EventStoreError(.damaged, "row \(row): \(error.reason)")
        }
        let index = try segment.rows.leafIndex(ofRow: row)
        if predicate.matches(view, index: index, parser: segment.worker.parser) { selected.insert(row) }
    }
}
