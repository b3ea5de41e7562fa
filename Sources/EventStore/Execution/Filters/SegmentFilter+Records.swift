import EventModel

extension SegmentFilter {
    /// Those rows among `candidates` for which the filter holds on their records. Blocks without a candidate are not
    /// decompressed, and only those records rebuilt that can match.
    func records(_ filter: CompiledFilter, _ candidates: RowSet) async throws -> RowSet {
        var scan = RecordScan(self, filter, candidates)
        guard let reader = rows as? SegmentReader else {
            if let bounds = candidates.bounds {
                try rows.withBlocks(bounds) { block in
                    try scan.add(block) { try block.record(ofRow: $0) }
                    return true
                }
            }
            return scan.selected
        }
        try meter.measure("records") { try scan.noteColumns(of: reader) }
        let decoder = try BlockDecoder(reader)
        var next = candidates.first(from: 0)
        while let row = next {
            try await worker.pause()
            next = try meter.measure("records") {
                let block = try decoder.stored(holding: row)
                try scan.add(block) { try decoder.record(ofRow: $0) }
                return candidates.first(from: block.rows.upperBound)
            }
        }
        return scan.selected
    }
}

/// Decides the rows of one block after the other.
private struct RecordScan {
    /// Of so many rows one at most is a candidate where every candidate is rebuilt: that is done sooner than all values of all
    /// columns are looked through, and reads only the pages of columns that the candidates need.
    private static let rowsPerRebuilt = 64

    private let segment: SegmentFilter
    private let predicate: EventPredicate
    private let searchers: [FoldedSearcher]?
    private let candidates: RowSet
    /// Candidates that can match although their stored bytes have nothing that is looked for: a column has it.
    private var elsewhere: RowSet?
    /// Whether what is looked for is searched in rebuilt records, not in what is stored of them.
    private var rebuildsAll = false
    private(set) var selected: RowSet

    init(_ segment: SegmentFilter, _ filter: CompiledFilter, _ candidates: RowSet) {
        self.segment = segment
        predicate = EventPredicate(filter)
        searchers = RequiredBytes(filter).map { $0.fragments.map(FoldedSearcher.init) }
        self.candidates = candidates
        selected = RowSet(rowCount: candidates.rowCount)
    }

    /// Says that blocks hold what is stored of a segment's records, without the entries that its columns hold.
    mutating func noteColumns(of reader: SegmentReader) throws {
        guard let searchers else { return }
        // What is in no column and yet not stored are digests of payloads.
        rebuildsAll =
            searchers.contains { PayloadDigest.mayHold($0.needle) }
            || candidates.count * Self.rowsPerRebuilt <= candidates.rowCount
        guard !rebuildsAll else { return }
        var found = RowSet(rowCount: candidates.rowCount)
        for field in Field.allCases where field.isColumnar {
            guard let column = try reader.column(field) else { continue }
            try segment.meter.check()
            let codes = CodeSet(column, matching: { value in searchers.contains { $0.firstIndex(in: value) != nil } })
            if case .none = codes { continue }
            var rows = candidates
            column.filter(&rows, codes)
            found.formUnion(rows)
        }
        elsewhere = found
    }

    mutating func add(_ block: RecordBlock, _ record: (Int) throws -> SealedView) throws {
        guard let first = candidates.first(from: block.firstRow), block.rows.contains(first) else { return }
        segment.meter.addScanned(block.bytes.count, in: "records")
        // Searching a whole block looks at bytes between candidates too: worth it unless they are few.
        let searchesAll = searchers != nil && !rebuildsAll && candidates.count(in: block.rows) * 8 >= block.rowCount
        if let searchers, searchesAll {
            for searcher in searchers { try search(block, searcher, record) }
        }
        let rest = searchesAll ? elsewhere : candidates
        var next = rest?.first(from: block.firstRow)
        while let row = next, block.rows.contains(row) {
            next = rest?.first(from: row + 1)
            if !searchesAll, !rebuildsAll, let searchers, elsewhere?.contains(row) != true {
                let bytes = block.bytes.slice(block.range(ofRow: row))
                guard searchers.contains(where: { $0.firstIndex(in: bytes) != nil }) else { continue }
            }
            if !selected.contains(row) { try decide(row, record) }
        }
    }

    private mutating func search(
        _ block: RecordBlock, _ searcher: FoldedSearcher, _ record: (Int) throws -> SealedView
    ) throws {
        var offset = 0
        while let found = searcher.firstIndex(in: block.bytes, from: offset) {
            let row = block.row(holding: found)
            offset = block.range(ofRow: row).upperBound
            guard elsewhere?.contains(row) != true else { continue }
            if candidates.contains(row), !selected.contains(row) { try decide(row, record) }
        }
    }

    private mutating func decide(_ row: Int, _ record: (Int) throws -> SealedView) throws {
        let view: SealedView
        do {
            view = try record(row)
        } catch let error as EventModelError {
            throw EventStoreError(.damaged, "row \(row): \(error.reason)")
        }
        // Much cheaper than the predicate, which few pass.
        if rebuildsAll, let searchers, !searchers.contains(where: { $0.firstIndex(in: view.bytes) != nil }) { return }
        let index = try segment.rows.leafIndex(ofRow: row)
        if predicate.matches(view, index: index, parser: segment.worker.parser) { selected.insert(row) }
    }
}
