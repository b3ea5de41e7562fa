import EventModel
import QueryLanguage

/// `top` by one field that has a dictionary in every segment: the dictionaries are counted and walked, and no group is made of
/// a value that is not among the first.
struct TopValues {
    let work: SegmentWork
    let field: Field
    let limit: Int

    /// Nil when the stage asks for something else.
    init?(_ stage: GroupStage, _ work: SegmentWork) {
        guard case .top(let limit, let fields) = stage, fields.count == 1, let reference = fields.first,
            let field = Self.field(of: reference, work.groups), field.isColumnar, ValueType(field) != .number
        else { return nil }
        self.work = work
        self.field = field
        self.limit = limit
    }

    /// The only field that a name stands for.
    private static func field(of reference: FieldReference, _ groups: FieldGroupSet) -> Field? {
        switch reference {
        case .field(let field): return groups.contains(field.group) ? field : nil
        case .alias(let alias):
            let visible = alias.output.filter { groups.contains($0.group) }
            return visible.count == 1 ? visible.first : nil
        case .leafIndex, .raw, .ext, .column: return nil
        }
    }

    /// The rows of the table; nil when a segment has lists of values, of which groups see the first alone.
    func rows(_ sets: [Int: RowSet]) async throws -> [[QueryValue]]? {
        let counted = Shared([CountedColumn]())
        let hasLists = Shared(false)
        try await work.forEach(sets.keys.sorted()) { number, worker in
            guard let rows = sets[number], let column = try work.segments[number].column(field) else { return }
            guard !column.isList else { return hasLists.withLock { $0 = true } }
            let name = "column \(field.path)"
            let own = work.meter.measure(name) {
                CountedColumn(column, rows, prefix: [], facts: (work.segments[number] as? SegmentReader)?.facts)
            }
            try work.meter.allowance.take(own.byteCount)
            work.meter.addScanned(column.codeCount * column.codeWidth, in: name)
            counted.withLock { $0.append(own) }
        }
        guard !hasLists.withLock({ $0 }) else { return nil }
        try work.meter.check()
        let ranking = ValueRanking(columns: counted.withLock { $0 }, limit: limit) { _ in true }
        return work.meter.measure("bring values together") {
            // Exact, whatever it takes: a list of the frequent ones suffices nearly always.
            var result = ranking.result(cap: work.limits.rankedCandidates)
            if !result.isExact { result = ranking.result(cap: .max) }
            return result.entries.map { [.text($0.value), .integer(Int64($0.events))] }
        }
    }
}
