import EventModel

extension SegmentFilter {
    /// Those rows among `candidates` for which the filter holds on their records. Blocks without a candidate are not
    /// decompressed, and only those records rebuilt that can match.
    func records(_ filter: CompiledFilter, _ candidates: RowSet) async throws -> RowSet {
        var scan = RecordScan(self, filter, candidates)
        guard let reader = rows as? SegmentReader else {
            if let bounds = candidates.bounds {
                try rows.withBlocks(bounds) { block in
                    try scan.add(block.rows, block.bytes.count, SealedTexts(block: block))
                    return true
                }
            }
            return scan.selected
        }
        try meter.measure("records") { try scan.noteColumns(of: reader) }
        try RecordPrefetch(reader) { candidates.first(from: $0) }.run()
        let decoder = try BlockDecoder(reader)
        var next = candidates.first(from: 0)
        while let row = next {
            try await worker.pause()
            next = try meter.measure("records") {
                let block = try decoder.stored(holding: row)
                try scan.add(block.rows, block.plainBytes, decoder)
                return candidates.first(from: block.rows.upperBound)
            }
        }
        return scan.selected
    }
}

/// The records of one block after the other, and text of theirs to search before a record is made. Valid until the next call.
private protocol RecordTexts {
    func record(ofRow row: Int) throws -> SealedView
    /// What of a row's record stands in no column.
    func text(ofRow row: Int) throws -> UnsafeRawBufferPointer
    /// The texts of a whole block.
    func texts(holding row: Int) throws -> RecordBlock
}

extension BlockDecoder: RecordTexts {}

/// Records that are there as sealed forms.
private struct SealedTexts: RecordTexts {
    let block: RecordBlock

    func record(ofRow row: Int) throws -> SealedView { try block.record(ofRow: row) }
    func text(ofRow row: Int) -> UnsafeRawBufferPointer { block.bytes.slice(block.range(ofRow: row)) }
    func texts(holding row: Int) -> RecordBlock { block }
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

    mutating func add(_ rows: Range<Int>, _ scanned: Int, _ source: some RecordTexts) throws {
        guard let first = candidates.first(from: rows.lowerBound), rows.contains(first) else { return }
        segment.meter.addScanned(scanned, in: "records")
        // Searching a whole block looks at bytes between candidates too: worth it unless they are few.
        let searchesAll = searchers != nil && !rebuildsAll && candidates.count(in: rows) * 8 >= rows.count
        if let searchers, searchesAll {
            for row in Self.rows(of: try source.texts(holding: first), searchers) {
                guard elsewhere?.contains(row) != true, candidates.contains(row), !selected.contains(row) else {
                    continue
                }
                try decide(row, source)
            }
        }
        let rest = searchesAll ? elsewhere : candidates
        var next = rest?.first(from: rows.lowerBound)
        while let row = next, rows.contains(row) {
            next = rest?.first(from: row + 1)
            if !searchesAll, !rebuildsAll, let searchers, elsewhere?.contains(row) != true {
                let bytes = try source.text(ofRow: row)
                guard searchers.contains(where: { $0.firstIndex(in: bytes) != nil }) else { continue }
            }
            if !selected.contains(row) { try decide(row, source) }
        }
    }

    /// The rows of a block of which the text has something that is looked for.
    private static func rows(of block: RecordBlock, _ searchers: [FoldedSearcher]) -> [Int] {
        var found: [Int] = []
        for searcher in searchers {
            var offset = 0
            while let position = searcher.firstIndex(in: block.bytes, from: offset) {
                let row = block.row(holding: position)
                offset = block.range(ofRow: row).upperBound
                found.append(row)
            }
        }
        return found
    }

    private mutating func decide(_ row: Int, _ source: some RecordTexts) throws {
        let view: SealedView
        do {
            view = try source.record(ofRow: row)
        } catch let error as EventModelError {
            throw EventStoreError(.damaged, "row \(row): \(error.reason)")
        }
        // Much cheaper than the predicate, which few pass.
        if rebuildsAll, let searchers, !searchers.contains(where: { $0.firstIndex(in: view.bytes) != nil }) { return }
        let index = try segment.rows.leafIndex(ofRow: row)
        if predicate.matches(view, index: index, parser: segment.worker.parser) { selected.insert(row) }
    }
}
