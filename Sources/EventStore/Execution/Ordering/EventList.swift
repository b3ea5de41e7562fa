import EventModel
import QueryLanguage

/// Events in an order, and the stages that need all of them at once.
struct EventList {
    var rows: [RowReference]
    let work: SegmentWork

    /// Batches of rows read at once.
    private static let batchRows = 4_096

    /// The rows as a set for each segment.
    func rowSets() -> [Int: RowSet] {
        var sets: [Int: RowSet] = [:]
        for row in rows {
            let number = Int(row.segment)
            sets[number, default: RowSet(rowCount: work.segments[number].rowCount)].insert(Int(row.row))
        }
        return sets
    }

    mutating func limit(_ count: Int) {
        if rows.count > count { rows.removeLast(rows.count - count) }
    }

    mutating func filter(_ filter: CompiledFilter) async throws {
        let worker = SearchWorker(work.meter)
        var kept = rowSets()
        for (number, set) in kept {
            let segment = SegmentFilter(rows: work.segments[number], meter: work.meter, worker: worker)
            kept[number] = try await segment.select(filter, among: set)
        }
        rows.removeAll { !(kept[Int($0.segment)]?.contains(Int($0.row)) ?? false) }
    }

    /// Keeps the first event of each value and all that have none.
    mutating func deduplicate(_ field: FieldReference) throws {
        let values = try values(of: [field])[0]
        var seen: Set<QueryValue> = []
        var kept: [RowReference] = []
        for (row, value) in zip(rows, values) where value == .absent || seen.insert(value).inserted { kept.append(row) }
        rows = kept
    }

    /// Sorts by values; events that are equal keep the order they had.
    mutating func sort(_ keys: [SortKey]) throws {
        let values = try values(of: keys.map(\.field))
        let order = SortOrder(
            keys.enumerated().map { position, key in
                SortOrder.Key(value: { values[position][$0] }, isDescending: key.isDescending)
            }
        ).sorted(rows.count)
        rows = order.map { rows[$0] }
    }

    /// For each field the one value of each row, in the list's order.
    func values(of fields: [FieldReference]) throws -> [[QueryValue]] {
        try work.meter.allowance.take(rows.count * fields.count * QueryValue.ownBytes)
        let worker = SearchWorker(work.meter)
        var values = fields.map { _ in [QueryValue](repeating: .absent, count: rows.count) }
        let bySegment = Dictionary(grouping: rows.indices) { rows[$0].segment }
        for (number, positions) in bySegment {
            let ascending = positions.sorted { rows[$0].row < rows[$1].row }
            let reader = BatchReader(
                work.segments[Int(number)], step: "read columns", groups: work.groups, meter: work.meter, worker: worker
            )
            let sources = try fields.map { try reader.source(.value($0)) }
            // Each distinct value becomes one object, however many rows have it.
            var known = fields.map { _ in [UInt32: QueryValue]() }
            for start in stride(from: 0, to: ascending.count, by: Self.batchRows) {
                let batch = ascending[start..<min(ascending.count, start + Self.batchRows)]
                let numbers = batch.map { UInt32(rows[$0].row) }
                try numbers.withUnsafeBufferPointer(reader.load)
                for (field, source) in sources.enumerated() {
                    for (position, code) in zip(batch, source.codes) where code != 0 {
                        let value: QueryValue
                        if let seen = known[field][code] {
                            value = seen
                        } else {
                            value = source.value(of: code)
                            try work.meter.allowance.take(2 * value.heldBytes)
                            known[field][code] = value
                        }
                        values[field][position] = value
                    }
                }
            }
        }
        return values
    }
}

extension FieldReference {
    /// Whether its one value for the output is in columns, so that no record has to be read.
    var isReadFromColumns: Bool {
        switch self {
        case .leafIndex: true
        case .field(let field): field.type == .time || (field.isColumnar && !field.isList)
        case .alias(let alias): alias.output.allSatisfy(\.isColumnar)
        case .ext, .raw, .column: false
        }
    }
}
