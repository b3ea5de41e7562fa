import EventModel
import QueryLanguage

/// Evaluates a compiled filter on the rows of one segment: dictionaries first, then times, then records, each only on the
/// rows that are still undecided. Used by one task at a time.
struct SegmentFilter {
    let rows: any EventRows
    let meter: QueryMeter
    let parser: JSONParser

    /// Records between two looks at the clock.
    private static let checkedRecords = 256

    /// Those rows among `candidates` for which the filter holds.
    func select(_ filter: CompiledFilter, among candidates: RowSet) throws -> RowSet {
        guard !candidates.isEmpty else { return candidates }
        try meter.check()
        switch filter {
        case .constant(let value): return value ? candidates : RowSet(rowCount: candidates.rowCount)
        case .and(let members): return try conjunction(members, candidates)
        case .or(let members): return try disjunction(members, candidates)
        case .not(let member):
            var rest = candidates
            rest.subtract(try select(member, among: candidates))
            return rest
        case .field(let test) where test.isColumnar: return try columns(test, candidates)
        case .time(let test): return try times(test, candidates)
        case .index(let predicate): return try indexes(predicate, candidates)
        default: return try records(filter, candidates)
        }
    }

    private func conjunction(_ members: [CompiledFilter], _ candidates: RowSet) throws -> RowSet {
        var selected = candidates
        let (cheap, costly) = partition(members)
        for member in cheap {
            guard !selected.isEmpty else { return selected }
            selected = try select(member, among: selected)
        }
        // Record predicates are decided together: each record is visited once.
        let (plain, mixed) = (costly.filter(\.isRecordOnly), costly.filter { !$0.isRecordOnly })
        for member in mixed { selected = try select(member, among: selected) }
        if !plain.isEmpty { selected = try records(.conjunction(plain), selected) }
        return selected
    }

    private func disjunction(_ members: [CompiledFilter], _ candidates: RowSet) throws -> RowSet {
        var selected = RowSet(rowCount: candidates.rowCount)
        var rest = candidates
        func add(_ rows: RowSet) {
            selected.formUnion(rows)
            rest.subtract(rows)
        }
        let (cheap, costly) = partition(members)
        for member in cheap { add(try select(member, among: rest)) }
        let (plain, mixed) = (costly.filter(\.isRecordOnly), costly.filter { !$0.isRecordOnly })
        for member in mixed { add(try select(member, among: rest)) }
        if !plain.isEmpty { add(try records(.disjunction(plain), rest)) }
        return selected
    }

    /// The members that columns decide, cheapest first, and the others.
    private func partition(_ members: [CompiledFilter]) -> (cheap: [CompiledFilter], costly: [CompiledFilter]) {
        let cheap = members.filter(\.isColumnar).map { ($0, cost($0)) }.sorted { $0.1 < $1.1 }.map(\.0)
        return (cheap, members.filter { !$0.isColumnar })
    }

    private func cost(_ filter: CompiledFilter) -> Int {
        switch filter {
        case .constant: 0
        case .time(let test): test.decision(for: bounds(of: test.field)) == nil ? 30 : 0
        case .field(let test): test.value.exact != nil || test.value.isPresence ? 10 : 20
        case .index: 40
        case .and(let members), .or(let members): members.reduce(1) { $0 + cost($1) }
        case .not(let member): cost(member)
        case .payload, .extension, .text: 100
        }
    }

    // MARK: Columns

    private func columns(_ test: FieldTest, _ candidates: RowSet) throws -> RowSet {
        var selected: RowSet?
        var rest = candidates
        for field in test.fields {
            let name = "column \(field.path)"
            let matching: RowSet? = try meter.measure(name) {
                guard let column = try rows.column(field) else { return nil }
                let codes = CodeSet(column, test.value)
                if case .none = codes { return nil }
                var matching = rest
                column.filter(&matching, codes)
                meter.addScanned(column.codeCount * column.codeWidth, in: name)
                return matching
            }
            guard let matching else { continue }
            if selected == nil { selected = matching } else { selected?.formUnion(matching) }
            rest.subtract(matching)
            if rest.isEmpty { break }
        }
        return selected ?? RowSet(rowCount: candidates.rowCount)
    }

    private func bounds(of field: Field) -> ClosedRange<Timestamp> {
        field == .received ? rows.receivedBounds : rows.timeBounds
    }

    private func times(_ test: TimeTest, _ candidates: RowSet) throws -> RowSet {
        if let decision = test.decision(for: bounds(of: test.field)) {
            return decision ? candidates : RowSet(rowCount: candidates.rowCount)
        }
        return try meter.measure("column \(test.field.path)") {
            var selected = candidates
            try rows.withTimes(test.field) { times in
                meter.addScanned(times.count * 8, in: "column \(test.field.path)")
                if test.text == nil, test.ranges.count == 1, let range = test.ranges.first {
                    Self.filter(&selected, times, range)
                } else {
                    selected.filterWords { first, count in
                        var word: UInt64 = 0
                        for offset in 0..<count where test.matches(times[first + offset]) {
                            word |= 1 << UInt64(offset)
                        }
                        return word
                    }
                }
            }
            return selected
        }
    }

    private static func filter(
        _ rows: inout RowSet, _ times: UnsafeBufferPointer<Int64>, _ range: ClosedRange<Int64>
    ) {
        let (lower, upper) = (range.lowerBound, range.upperBound)
        rows.filterWords { first, count in
            var word: UInt64 = 0
            for offset in 0..<count {
                let time = times[first + offset]
                word |= (time >= lower && time <= upper ? 1 : 0) << UInt64(offset)
            }
            return word
        }
    }

    private func indexes(_ predicate: ValuePredicate, _ candidates: RowSet) throws -> RowSet {
        var selected = RowSet(rowCount: candidates.rowCount)
        try candidates.forEach { row in
            if RecordEvaluation.holds(predicate, try rows.leafIndex(ofRow: row)) { selected.insert(row) }
        }
        return selected
    }

    // MARK: Records

    private func records(_ filter: CompiledFilter, _ candidates: RowSet) throws -> RowSet {
        try meter.measure("records") {
            let predicate = EventPredicate(filter)
            let searchers = RequiredBytes(filter).map { $0.fragments.map(FoldedSearcher.init) }
            // A scan of whole blocks looks at bytes between candidates too: worth it unless they are few.
            if let searchers, candidates.count * 8 >= candidates.rowCount {
                return try scan(predicate, searchers, candidates)
            }
            var selected = RowSet(rowCount: candidates.rowCount)
            var visited = 0
            try rows.withRecords(candidates) { row, view in
                visited += 1
                if visited % Self.checkedRecords == 0 { try meter.check() }
                meter.addScanned(view.bytes.count, in: "records")
                if let searchers, !searchers.contains(where: { $0.firstIndex(in: view.bytes) != nil }) { return true }
                if predicate.matches(view, index: try rows.leafIndex(ofRow: row), parser: parser) {
                    selected.insert(row)
                }
                return true
            }
            return selected
        }
    }

    private func scan(
        _ predicate: EventPredicate, _ searchers: [FoldedSearcher], _ candidates: RowSet
    ) throws -> RowSet {
        var selected = RowSet(rowCount: candidates.rowCount)
        guard let bounds = candidates.bounds else { return selected }
        try rows.withBlocks(bounds) { block in
            try meter.check()
            meter.addScanned(block.bytes.count, in: "records")
            for searcher in searchers {
                var offset = 0
                while let found = searcher.firstIndex(in: block.bytes, from: offset) {
                    let row = block.row(holding: found)
                    offset = block.range(ofRow: row).upperBound
                    guard candidates.contains(row), !selected.contains(row) else { continue }
                    let view = try block.record(ofRow: row)
                    if predicate.matches(view, index: try rows.leafIndex(ofRow: row), parser: parser) {
                        selected.insert(row)
                    }
                }
            }
            return true
        }
        return selected
    }
}

extension CompiledFilter {
    /// Whether columns alone decide it.
    var isColumnar: Bool {
        switch self {
        case .constant, .time, .index: true
        case .field(let test): test.isColumnar
        case .and(let members), .or(let members): members.allSatisfy(\.isColumnar)
        case .not(let member): member.isColumnar
        case .payload, .extension, .text: false
        }
    }

    /// Whether every leaf of it needs the record.
    var isRecordOnly: Bool {
        switch self {
        case .constant, .time, .index: false
        case .field(let test): !test.isColumnar
        case .and(let members), .or(let members): members.allSatisfy(\.isRecordOnly)
        case .not(let member): member.isRecordOnly
        case .payload, .extension, .text: true
        }
    }
}
