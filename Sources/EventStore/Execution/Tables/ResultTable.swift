import EventModel
import QueryLanguage

/// Rows and columns between two stages.
struct ResultTable {
    var columns: [QueryColumn]
    var rows: [[QueryValue]]

    func position(of reference: FieldReference) -> Int? {
        columns.firstIndex { $0.name == reference.name }
    }
}

// MARK: - Stages that keep the columns

extension ResultTable {
    mutating func sort(_ keys: [SortKey]) {
        let rows = rows
        let order = SortOrder(
            keys.compactMap { key in
                position(of: key.field).map { column in
                    SortOrder.Key(value: { rows[$0][column] }, isDescending: key.isDescending)
                }
            }
        ).sorted(rows.count)
        self.rows = order.map { rows[$0] }
    }

    mutating func filter(_ filter: Filter, _ meter: QueryMeter) throws {
        let predicate = RowPredicate(filter, columns)
        var kept: [[QueryValue]] = []
        for (position, row) in rows.enumerated() {
            if position % 1_024 == 0 { try meter.check() }
            if predicate.matches(row) { kept.append(row) }
        }
        rows = kept
    }

    mutating func deduplicate(_ field: FieldReference) {
        guard let column = position(of: field) else { return }
        var seen: Set<QueryValue> = []
        rows = rows.filter { row in
            let value = row[column].single
            return value == .absent || seen.insert(value).inserted
        }
    }

    mutating func limit(_ count: Int) {
        if rows.count > count { rows.removeLast(rows.count - count) }
    }

    mutating func keep(_ fields: [FieldReference]) {
        let positions = fields.compactMap(position)
        columns = positions.map { columns[$0] }
        rows = rows.map { row in positions.map { row[$0] } }
    }

    mutating func remove(_ fields: [FieldReference]) {
        let removed = Set(fields.compactMap(position))
        let positions = columns.indices.filter { !removed.contains($0) }
        columns = positions.map { columns[$0] }
        rows = rows.map { row in positions.map { row[$0] } }
    }
}

// MARK: - Stages that make groups

extension ResultTable {
    private static let batchRows = 4_096

    func aggregated(_ plan: Aggregation.Plan, limits: SearchLimits, _ meter: QueryMeter) throws -> Aggregation {
        var aggregation = Aggregation(plan, limits: limits, allowance: meter.allowance)
        var sources: [FieldReference: any RowValueSource] = [:]
        func source(_ reference: FieldReference) -> any RowValueSource {
            if let known = sources[reference] { return known }
            let made: any RowValueSource =
                position(of: reference).map { TableSource(rows, column: $0) } ?? AbsentSource()
            sources[reference] = made
            return made
        }
        let keys = plan.keys.map { item -> any ValueSource in
            guard case .value(let reference) = item else { return AbsentSource() }
            return source(reference)
        }
        let arguments = plan.aggregates.map { $0.argument.map { source($0) as any ValueSource } }
        var gathered = GatheredGroups(
            keys: keys, plan.aggregates, arguments: arguments, limits: limits, allowance: meter.allowance)
        var batch: [UInt32] = []
        for start in stride(from: 0, to: rows.count, by: Self.batchRows) {
            try meter.check()
            batch = (start..<min(rows.count, start + Self.batchRows)).map { UInt32($0) }
            try batch.withUnsafeBufferPointer { batch in
                for source in sources.values { try source.load(batch) }
            }
            try gathered.add(rowCount: batch.count)
        }
        try aggregation.merge(gathered)
        gathered.release()
        return aggregation
    }
}
