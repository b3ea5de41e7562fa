import Crypto
import EventModel
import QueryLanguage

/// Runs one search over a snapshot of segments.
struct QueryExecutor: Sendable {
    let plan: QueryPlan
    let work: SegmentWork
    let order: SearchOptions.Order

    /// An answer before it is cut into pages.
    enum Answer {
        /// Events from the page's first on; one more than the page holds tells that there is more.
        case events([RowReference])
        /// All rows of a table.
        case table(ResultTable, span: Int64?)
    }

    struct Outcome {
        var answer: Answer
        var matched: Int
        var isExact = true
    }

    private static let batchRows = 4_096
    /// An array of its own for each row.
    private static let bytesOfRow = 48

    // MARK: Events

    /// - Parameters:
    ///   - page: how many events from the place on; nil for all.
    ///   - after: where the page before ended, when the order of time places it.
    ///   - consumed: how many events the pages before had.
    func events(page: Int, after: (time: Int64, index: UInt64)?, consumed: Int) async throws -> Outcome {
        let cuts = plan.steps.allSatisfy { if case .limit = $0 { true } else { false } }
        if cuts {
            let total = plan.steps.reduce(Int.max) { if case .limit(let count) = $1 { min($0, count) } else { $0 } }
            let wanted = max(0, min(page + 1, total == .max ? page + 1 : total - consumed))
            let found = try await collect(capacity: wanted, after: after)
            return Outcome(answer: .events(found.rows), matched: found.matched, isExact: found.isExact)
        }
        let (list, matched, isExact) = try await list()
        return Outcome(
            answer: .events(Array(list.rows.dropFirst(consumed).prefix(page + 1))), matched: matched, isExact: isExact)
    }

    private func collect(
        capacity: Int, after: (time: Int64, index: UInt64)? = nil
    ) async throws -> (rows: [RowReference], matched: Int, isExact: Bool) {
        let collection = EventCollection(work: work, order: plan.order, capacity: capacity, after: after)
        return try await collection.collect(plan.filter)
    }

    /// The events after all steps.
    private func list() async throws -> (list: EventList, matched: Int, isExact: Bool) {
        var steps = plan.steps[...]
        var capacity = work.limits.orderedEvents + 1
        if case .limit(let count)? = steps.first {
            capacity = count
            steps.removeFirst()
        }
        let found = try await collect(capacity: capacity)
        guard found.rows.count <= work.limits.orderedEvents else {
            throw EventStoreError(
                .tooManyRows,
                "a stage needs more than \(work.limits.orderedEvents) events in order; narrow the search or limit it first"
            )
        }
        try work.meter.allowance.take(found.rows.count * MemoryLayout<RowReference>.stride)
        var list = EventList(rows: found.rows, work: work)
        for step in steps {
            switch step {
            case .limit(let count): list.limit(count)
            case .sort(let keys): try work.meter.measure("sort") { try list.sort(keys) }
            case .deduplicate(let field): try work.meter.measure("dedup") { try list.deduplicate(field) }
            case .filter(let filter): try await list.filter(filter)
            }
        }
        return (list, found.matched, found.isExact)
    }

    // MARK: Tables

    /// The whole table of a query that makes groups, or that has stages after `fields`.
    func table() async throws -> Outcome {
        switch plan.outcome {
        case .groups(let stage): return try await groups(stage)
        case .table(let fields):
            let (list, matched, isExact) = try await list()
            guard list.rows.count <= work.limits.tableRows else {
                throw EventStoreError(
                    .tooManyRows, "a stage needs a table of more than \(work.limits.tableRows) events; limit it first")
            }
            var table = ResultTable(columns: plan.outcomeColumns, rows: try cells(of: list.rows, fields))
            try apply(plan.tableStages, to: &table)
            return Outcome(answer: .table(table, span: nil), matched: matched, isExact: isExact)
        case .events: preconditionFailure("events make no table")
        }
    }

    private func groups(_ stage: GroupStage) async throws -> Outcome {
        var sets: [Int: RowSet]
        var matched: Int
        if plan.steps.isEmpty {
            sets = try await select(plan.filter)
            matched = sets.values.reduce(0) { $0 + $1.count }
        } else {
            let (list, all, _) = try await list()
            sets = list.rowSets()
            matched = all
        }
        if let top = TopValues(stage, work), let rows = try await top.rows(sets) {
            var table = ResultTable(columns: plan.outcomeColumns, rows: rows)
            try apply(plan.tableStages, to: &table)
            return Outcome(answer: .table(table, span: nil), matched: matched)
        }
        let span = try span(of: stage, sets)
        let empty = Aggregation(stage.plan(span: span), limits: work.limits, allowance: work.meter.allowance)
        let selected = sets
        var parts = try await work.collect(sets.keys.sorted(), empty) { number, worker, aggregation in
            guard let rows = selected[number], !rows.isEmpty else { return }
            try await gather(number, rows, &aggregation, worker)
        }
        var whole = parts.popLast() ?? empty
        try work.meter.measure("bring groups together") {
            while let part = parts.popLast() { try whole.merge(part) }
        }
        let rows = try work.meter.measure("make rows") { try whole.rows() }
        var table = ResultTable(columns: plan.outcomeColumns, rows: stage.arrange(rows))
        try apply(plan.tableStages, to: &table)
        let isChart = if case .timechart = stage { true } else { false }
        return Outcome(answer: .table(table, span: isChart ? span : nil), matched: matched)
    }

    /// The rows of each segment for which a filter holds.
    func select(_ filter: CompiledFilter) async throws -> [Int: RowSet] {
        let sets = Shared([Int: RowSet]())
        try await work.forEach(work.numbers(for: filter), asking: filter) { number, worker in
            let segment = SegmentFilter(rows: work.segments[number], meter: work.meter, worker: worker)
            let rows = try await segment.select(filter, among: work.candidates(number))
            guard !rows.isEmpty else { return }
            try work.meter.allowance.take(rows.words.count * 8)
            sets.withLock { $0[number] = rows }
        }
        return sets.withLock { $0 }
    }

    private func gather(
        _ number: Int, _ rows: RowSet, _ aggregation: inout Aggregation, _ worker: SearchWorker
    ) async throws {
        let plan = aggregation.plan
        let reader = BatchReader(
            work.segments[number], step: "group", groups: work.groups, meter: work.meter, worker: worker)
        let keys = try plan.keys.map { try reader.source($0) }
        let arguments = try plan.aggregates.map { aggregate in
            try aggregate.argument.map { try reader.source(.value($0), needsCodes: aggregate.function == .dcount) }
        }
        var gathered = GatheredGroups(
            keys: keys, plan.aggregates, arguments: arguments, limits: work.limits, allowance: work.meter.allowance)
        let isCounted = try work.meter.measure("group") { try gathered.count(rows, worker.codes) }
        if !isCounted {
            var batch: [UInt32] = []
            for number in 0..<rows.batchCount(of: Self.batchRows) {
                rows.fill(&batch, fromBatch: number, of: Self.batchRows)
                guard !batch.isEmpty else { continue }
                try await worker.pause()
                try work.meter.measure("group") {
                    try batch.withUnsafeBufferPointer(reader.load)
                    try gathered.add(rowCount: batch.count)
                }
            }
        }
        try work.meter.measure("bring groups together") { try aggregation.merge(gathered) }
        gathered.release()
    }

    /// The width of a timechart's buckets: as asked for, or to fit the window that the query names, or else its hits.
    private func span(of stage: GroupStage, _ sets: [Int: RowSet]) throws -> Int64 {
        guard case .timechart(let chart) = stage else { return 1 }
        if let span = chart.span { return span.nanoseconds }
        var (lowest, highest) = (Int64.max, Int64.min)
        for (number, rows) in sets {
            try work.segments[number].withTimes(.time) { times in
                rows.forEach { row in
                    lowest = min(lowest, times[row])
                    highest = max(highest, times[row])
                }
            }
        }
        guard lowest <= highest else { return GroupStage.span(for: 0...1) }
        let window = plan.window
        return GroupStage.span(
            for: min(window.lower?.rawValue ?? lowest, lowest)...max(window.upper?.rawValue ?? highest, highest))
    }

    private func apply(_ stages: [Stage], to table: inout ResultTable) throws {
        for stage in stages {
            try work.meter.check()
            switch stage {
            case .filter(let filter): try table.filter(filter, work.meter)
            case .sort(let keys): table.sort(keys)
            case .limit(let count): table.limit(count)
            case .dedup(let field): table.deduplicate(field)
            case .keepFields(let fields): table.keep(fields)
            case .removeFields(let fields): table.remove(fields)
            case .stats, .top, .rare, .timechart:
                guard let group = GroupStage(stage) else { continue }
                var aggregation = try table.aggregated(group.plan(span: 1), limits: work.limits, work.meter)
                let columns = QueryShape.table(table.columns).applying(stage).columns ?? []
                table = ResultTable(columns: columns, rows: group.arrange(try aggregation.rows()))
            }
        }
    }

    // MARK: Output

    /// The JSON of events, in the order of the list.
    func hits(_ rows: [RowReference]) throws -> [EventHit] {
        var hits = [EventHit?](repeating: nil, count: rows.count)
        let groups = plan.groups.set
        try visit(rows) { position, view in
            let index = LeafIndex(rows[position].index)
            var json: [UInt8] = []
            EventJSON.append(view, index: index, groups: groups, omitting: plan.removedFields, to: &json)
            // Once here and once more in the answer's body.
            try work.meter.allowance.take(2 * json.count + Self.bytesOfRow)
            hits[position] = EventHit(index: index, json: json)
        }
        return hits.compactMap(\.self)
    }

    /// The cells of `fields`, in the order of the list.
    func cells(of rows: [RowReference], _ fields: [FieldReference]) throws -> [[QueryValue]] {
        if fields.allSatisfy(\.isReadFromColumns) {
            let columns = try work.meter.measure("read columns") {
                try EventList(rows: rows, work: work).values(of: fields)
            }
            return rows.indices.map { row in columns.map { $0[row] } }
        }
        let cells = EventCells(fields, groups: plan.groups)
        let parser = JSONParser()
        var table = [[QueryValue]](repeating: [], count: rows.count)
        try visit(rows) { position, view in
            let row = cells.row(view, index: LeafIndex(rows[position].index), parser: parser)
            try work.meter.allowance.take(row.reduce(Self.bytesOfRow) { $0 + 2 * $1.heldBytes })
            table[position] = row
        }
        return table
    }

    private func visit(_ rows: [RowReference], _ body: (_ position: Int, SealedView) throws -> Void) throws {
        try work.meter.measure("read rows") {
            for (number, positions) in Dictionary(grouping: rows.indices, by: { rows[$0].segment }) {
                let ascending = positions.sorted { rows[$0].row < rows[$1].row }
                var next = 0
                try work.segments[Int(number)].withRecords(ascending.lazy.map { Int(rows[$0].row) }) { _, view in
                    if next % 256 == 0 { try work.meter.check() }
                    work.meter.addScanned(view.bytes.count, in: "read rows")
                    try body(ascending[next], view)
                    next += 1
                    return true
                }
            }
        }
    }
}
