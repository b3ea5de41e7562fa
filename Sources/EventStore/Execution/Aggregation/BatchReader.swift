import EventModel
import QueryLanguage

/// Reads the values of several fields for batches of rows of one segment. Columns are read where they are; records are
/// visited once for all fields that need them. Belongs to one task.
final class BatchReader {
    private let rows: any EventRows
    private let step: String
    private let meter: QueryMeter
    private let parser: JSONParser
    private let codes: CodeMemory
    private let groups: FieldGroupSet
    private var rowSources: [any RowValueSource] = []
    private var recordSources: [any RecordValueSource] = []
    private var made: [Aggregation.Item: any ValueSource] = [:]

    /// - Parameter step: under which name an explanation counts the bytes.
    init(_ rows: any EventRows, step: String, groups: FieldGroupSet, meter: QueryMeter, worker: SearchWorker) {
        self.step = step
        self.rows = rows
        self.groups = groups
        self.meter = meter
        parser = worker.parser
        codes = worker.codes
    }

    /// The source of an item, made on first use.
    ///
    /// - Parameter needsCodes: Whether values are grouped or counted; false when numbers suffice, as for `min(time)`.
    func source(_ item: Aggregation.Item, needsCodes: Bool = true) throws -> any ValueSource {
        if let known = made[item], known.integers == nil || !needsCodes { return known }
        let source = try make(item, needsCodes: needsCodes)
        made[item] = source
        if let source = source as? any RowValueSource { rowSources.append(source) }
        if let source = source as? any RecordValueSource { recordSources.append(source) }
        return source
    }

    private func make(_ item: Aggregation.Item, needsCodes: Bool) throws -> any ValueSource {
        switch item {
        case .bucket(let span):
            return times(.time, needsCodes: true) { Timestamp(nanoseconds: $0).floored(toMultipleOf: span).nanoseconds }
        case .value(let reference): return try make(reference, needsCodes: needsCodes)
        }
    }

    private func make(_ reference: FieldReference, needsCodes: Bool) throws -> any ValueSource {
        switch reference {
        case .field(let field):
            guard groups.contains(field.group) else { return AbsentSource() }
            if field.type == .time { return times(field, needsCodes: needsCodes) { $0 } }
            guard field.isColumnar else { return RecordSource(.field(field)) }
            return try columns([field])
        case .alias(let alias): return try columns(alias.output.filter { groups.contains($0.group) })
        case .leafIndex:
            let rows = rows
            return IntegerSource(isTime: false, makesCodes: needsCodes) { numbers, output in
                for number in numbers {
                    output.append(Int64(bitPattern: try rows.leafIndex(ofRow: Int(number)).rawValue))
                }
            }
        case .ext(let key): return groups.contains(.text) ? RecordSource(.extension(key)) : AbsentSource()
        case .raw(let path):
            guard groups.contains(.raw) else { return AbsentSource() }
            let lookup = PayloadLookup(path)
            guard let reader = rows as? SegmentReader,
                let source = try PathSource(reader, lookup, parser: parser)
            else { return RecordSource(.payload(lookup)) }
            meter.addScanned(rows.rowCount * 2, in: step)
            return source
        case .column: return AbsentSource()
        }
    }

    private func columns(_ fields: [Field]) throws -> any ValueSource {
        let columns = try fields.compactMap { field in try rows.column(field) }
        guard let field = fields.first, !columns.isEmpty else { return AbsentSource() }
        for column in columns { meter.addScanned(column.codeCount * column.codeWidth, in: step) }
        return ColumnSource(columns, type: ValueType(field), facts: (rows as? SegmentReader)?.facts, memory: codes)
    }

    private func times(
        _ field: Field, needsCodes: Bool, _ transform: @escaping (Int64) -> Int64
    ) -> any ValueSource {
        let rows = rows
        return IntegerSource(isTime: true, makesCodes: needsCodes) { numbers, output in
            try rows.withTimes(field) { times in
                for number in numbers { output.append(transform(times[Int(number)])) }
            }
        }
    }

    /// Loads the values of a batch of ascending rows into all sources.
    func load(_ batch: UnsafeBufferPointer<UInt32>) throws {
        try meter.check()
        for source in rowSources { try source.load(batch) }
        guard !recordSources.isEmpty else { return }
        for source in recordSources { source.beginBatch() }
        let readsPaths = recordSources.contains(where: \.readsPayloadPaths)
        try rows.withRecords(batch.lazy.map(Int.init)) { _, view in
            meter.addScanned(view.bytes.count, in: step)
            if readsPaths {
                parser.withPayload(of: view) { root in
                    for source in recordSources { source.add(view, payload: root) }
                }
            } else {
                for source in recordSources { source.add(view, payload: nil) }
            }
            return true
        }
    }
}
