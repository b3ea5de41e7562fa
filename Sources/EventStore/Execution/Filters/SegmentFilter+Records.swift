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
        try meter.measure("records") {
            try scan.choose(for: reader)
            try RecordPrefetch(reader) { candidates.first(from: $0) }.run(fields: scan.fieldsRead)
            try scan.noteColumns(of: reader)
        }
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

/// What is looked for in records before they are evaluated: any of some bytes.
private struct RecordSearch {
    /// Where it is looked for.
    enum Place {
        /// In what is stored, expanded, and in columns.
        case expanded
        /// In packed text and in columns: pieces of it.
        case packed(PackedSearch)
        /// In packed text, its digits, columns and digests of payloads, of few records.
        case identifiers(IdentifierSearch)
        /// In rebuilt records.
        case rebuilt
    }

    let whole: [FoldedSearcher]
    var place = Place.expanded

    /// What to look for in columns: what of it is looked for in packed text.
    var inColumns: [FoldedSearcher] {
        if case .packed(let packed) = place { packed.needles.map(\.searcher) } else { whole }
    }

    var isInRebuilt: Bool { if case .rebuilt = place { true } else { false } }

    /// Whether the text of a block can be searched at once.
    var isOfBlocks: Bool {
        switch place {
        case .expanded, .packed: true
        case .identifiers, .rebuilt: false
        }
    }
}

/// The records of one block after the other, and text of theirs to search before a record is made. Valid until the next call.
private protocol RecordTexts {
    func record(ofRow row: Int) throws -> SealedView
    /// Whether what of a row's record stands in no column has something that is looked for.
    func holds(_ search: RecordSearch, row: Int) throws -> Bool
    /// The rows of the block that holds a row of which this is so, all those that are candidates.
    func rows(with search: RecordSearch, inBlockOf row: Int, _ candidates: RowSet) throws -> [Int]
}

extension BlockDecoder: RecordTexts {
    fileprivate func holds(_ search: RecordSearch, row: Int) throws -> Bool {
        switch search.place {
        case .identifiers(let identifiers):
            if identifiers.mayBe(in: try stored(holding: row).text(ofRow: row)) { return true }
            guard identifiers.mayBeInDigest(beginningWith: try digestStart(ofRow: row)) else { return false }
            return try digest(ofRow: row).map(identifiers.stands) == true
        case .packed(let packed):
            return try packed.mayBe(in: stored(holding: row).text(ofRow: row).text) { try value(of: $0, row: row) }
        case .expanded, .rebuilt:
            let text = try text(ofRow: row)
            return search.whole.contains { $0.firstIndex(in: text) != nil }
        }
    }

    fileprivate func rows(with search: RecordSearch, inBlockOf row: Int, _ candidates: RowSet) throws -> [Int] {
        guard case .packed(let packed) = search.place else {
            return try texts(holding: row).rows(with: search.whole)
        }
        let block = try stored(holding: row)
        let found = packed.needles.flatMap { needle in
            needle.searcher.rows(of: block.texts, row: block.row(holding:), end: block.textEnd(ofRow:))
        }
        guard packed.mayBeDivided else { return found }
        let divided = try block.rows.filter { row in
            guard candidates.contains(row),
                try packed.mayBeDivided(in: block.text(ofRow: row).text, value: { try value(of: $0, row: row) })
            else { return false }
            // Less work than making the record.
            let text = try text(ofRow: row)
            return search.whole.contains { $0.firstIndex(in: text) != nil }
        }
        return found + divided
    }
}

/// Records that are there as sealed forms.
private struct SealedTexts: RecordTexts {
    let block: RecordBlock

    func record(ofRow row: Int) throws -> SealedView { try block.record(ofRow: row) }

    func holds(_ search: RecordSearch, row: Int) -> Bool {
        let bytes = block.bytes.slice(block.range(ofRow: row))
        return search.whole.contains { $0.firstIndex(in: bytes) != nil }
    }

    func rows(with search: RecordSearch, inBlockOf row: Int, _ candidates: RowSet) -> [Int] {
        block.rows(with: search.whole)
    }
}

extension RecordBlock {
    /// The rows whose text has something that is looked for, for each thing ascending.
    fileprivate func rows(with searchers: [FoldedSearcher]) -> [Int] {
        searchers.flatMap { $0.rows(of: bytes, row: row(holding:), end: { range(ofRow: $0).upperBound }) }
    }
}

extension FoldedSearcher {
    /// The rows in whose text the needle begins, ascending.
    fileprivate func rows(
        of texts: UnsafeRawBufferPointer, row: (_ offset: Int) -> Int, end: (_ row: Int) -> Int
    ) -> [Int] {
        var found: [Int] = []
        var offset = 0
        while let position = firstIndex(in: texts, from: offset) {
            found.append(row(position))
            offset = end(found[found.count - 1])
        }
        return found
    }
}

/// Decides the rows of one block after the other.
private struct RecordScan {
    /// Of so many rows one at most is a candidate where every candidate is rebuilt: that is done sooner than all values of all
    /// columns are looked through, and reads only the pages of columns that the candidates need.
    private static let rowsPerRebuilt = 64
    /// Of a needle's tokens the longest are looked up among the words of columns: each look-up passes over all words.
    private static let tokensLookedUp = 3

    private let segment: SegmentFilter
    private let predicate: EventPredicate
    private let required: RequiredBytes?
    private var search: RecordSearch?
    private let candidates: RowSet
    /// Candidates that can match although their stored bytes have nothing that is looked for: a column has it.
    private var elsewhere: RowSet?
    /// Whether candidates are so few that looking at each costs less than looking through all values of a column.
    private var areFew = false
    /// The fields of which columns can have what is looked for, by their numbers; nil for any.
    private var fields: Set<UInt8>?
    private(set) var selected: RowSet

    init(_ segment: SegmentFilter, _ filter: CompiledFilter, _ candidates: RowSet) {
        self.segment = segment
        predicate = EventPredicate(filter)
        required = RequiredBytes(filter)
        search = required.map { RecordSearch(whole: $0.fragments.map(FoldedSearcher.init)) }
        self.candidates = candidates
        selected = RowSet(rowCount: candidates.rowCount)
    }

    /// The fields of which all candidates' values are read, by their numbers; nil for all.
    var fieldsRead: Set<UInt8>? {
        switch search?.place {
        case .packed: areFew ? fields : []
        case .identifiers: fields
        case .expanded, .rebuilt, nil: nil
        }
    }

    /// Decides how the records of a segment are searched, of which blocks hold what is stored without the entries that columns hold.
    mutating func choose(for reader: SegmentReader) throws {
        guard let search else { return }
        areFew = candidates.count * Self.rowsPerRebuilt <= candidates.rowCount
        let packed = required?.packed
        fields = try packed.flatMap { try Self.fields(holding: $0.needles, of: reader) }
        if let packed, fields != nil || !areFew {
            self.search?.place = .packed(packed)
        } else if areFew, let identifiers = required.flatMap({ IdentifierSearch($0.fragments) }) {
            self.search?.place = .identifiers(identifiers)
            fields = try identifiers.fields(of: reader)
        } else if areFew || search.whole.contains(where: { PayloadDigest.mayHold($0.needle) }) {
            // What is in no column and yet not stored are digests of payloads.
            self.search?.place = .rebuilt
        }
    }

    /// Finds the candidates of which a column has what is looked for.
    mutating func noteColumns(of reader: SegmentReader) throws {
        guard let search, !search.isInRebuilt else { return }
        let searchers = search.inColumns
        func isWanted(_ value: UnsafeRawBufferPointer) -> Bool {
            searchers.contains { $0.firstIndex(in: value) != nil }
        }
        if areFew {
            // A few rows' values are looked at sooner than all that the columns have, and fewer pages are read.
            let fields = fields ?? Set(Field.allCases.map(\.rawValue))
            let columns = fields.isEmpty ? nil : try RecordColumns(reader)
            var found = RowSet(rowCount: candidates.rowCount)
            for field in fields { try columns?.select(field, among: candidates, into: &found, isWanted) }
            elsewhere = found
            return
        }
        var found = RowSet(rowCount: candidates.rowCount)
        for field in Field.allCases where field.isColumnar && fields?.contains(field.rawValue) != false {
            guard let column = try reader.column(field) else { continue }
            try segment.meter.check()
            let codes = CodeSet(column, matching: isWanted)
            if case .none = codes { continue }
            var rows = candidates
            column.filter(&rows, codes)
            found.formUnion(rows)
        }
        elsewhere = found
    }

    /// The fields of which columns may hold one of some needles whole; nil when any may.
    private static func fields(holding needles: [PackedNeedle], of reader: SegmentReader) throws -> Set<UInt8>? {
        guard let index = try TokenIndex(reader) else { return nil }
        var all: Set<UInt8> = []
        for needle in needles {
            var own: Set<UInt8>?
            for token in needle.solidTokens.sorted(by: { $0.count > $1.count }).prefix(tokensLookedUp) {
                guard let found = try index.fields(holding: token) else { continue }
                own = own?.intersection(found) ?? found
            }
            guard let own else { return nil }
            all.formUnion(own)
        }
        return all
    }

    mutating func add(_ rows: Range<Int>, _ scanned: Int, _ source: some RecordTexts) throws {
        guard let first = candidates.first(from: rows.lowerBound), rows.contains(first) else { return }
        segment.meter.addScanned(scanned, in: "records")
        // Searching a whole block looks at bytes between candidates too: worth it unless they are few.
        let searchesAll = search?.isOfBlocks == true && candidates.count(in: rows) * 8 >= rows.count
        if let search, searchesAll {
            for row in try source.rows(with: search, inBlockOf: first, candidates) {
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
            if !searchesAll, let search, !search.isInRebuilt, elsewhere?.contains(row) != true {
                guard try source.holds(search, row: row) else { continue }
            }
            if !selected.contains(row) { try decide(row, source) }
        }
    }

    private mutating func decide(_ row: Int, _ source: some RecordTexts) throws {
        let view: SealedView
        do {
            view = try source.record(ofRow: row)
        } catch let error as EventModelError {
            throw EventStoreError(.damaged, "row \(row): \(error.reason)")
        }
        // Much cheaper than the predicate, which few pass.
        if let search, !search.whole.contains(where: { $0.firstIndex(in: view.bytes) != nil }) { return }
        let index = try segment.rows.leafIndex(ofRow: row)
        if predicate.matches(view, index: index, parser: segment.worker.parser) { selected.insert(row) }
    }
}
