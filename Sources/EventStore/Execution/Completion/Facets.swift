import EventModel
import QueryLanguage

/// What completion offers: the fields and values of the events that a reader may find.
struct Facets: Sendable {
    let work: SegmentWork
    let filter: CompiledFilter

    /// The newest events that are looked at for the fields they have: enough to see what is common, quick enough for
    /// typing.
    private static let sampledEvents = 2_000
    /// The newest events whose records are read for the values of a field without a column.
    private static let sampledValueEvents = 5_000
    /// Records lie compressed in groups of this many, and so many groups are read at most: a few milliseconds, however the newest
    /// events by their own time lie scattered.
    private static let groupedRows: Int32 = 256
    private static let readGroups = 64
    /// Paths of the payload that are offered at most, and how deep.
    private static let payloadPaths = 500
    private static let payloadDepth = 6
    private static let batchRows = 4_096

    // MARK: Fields

    func fields() async throws -> FieldSummary {
        var fields: [Field: Int] = [:]
        var paths = PayloadPaths(limit: Self.payloadPaths, depth: Self.payloadDepth)
        let (rows, _) = try await newest(Self.sampledEvents)
        let parser = JSONParser()
        try visit(rows) { view in
            var last: Field?
            for entry in view.entries where entry.field != last && work.groups.contains(entry.field.group) {
                fields[entry.field, default: 0] += 1
                last = entry.field
            }
            guard work.groups.contains(.raw) else { return }
            parser.withPayload(of: view) { root in
                if let root { paths.add(root) }
            }
        }
        let canonical = Field.allCases.compactMap { field in
            fields[field].map {
                FieldSummary.Entry(name: field.path, type: FieldReference.field(field).type, events: $0)
            }
        }
        return FieldSummary(entries: canonical + paths.entries, sampledEvents: rows.count)
    }

    /// The newest events, as far as they lie in few groups; and whether these are all.
    private func newest(_ count: Int) async throws -> (rows: [RowReference], isAll: Bool) {
        let collection = EventCollection(
            work: work, order: TimeOrder(isOldestFirst: false), capacity: count, after: nil)
        let found = try await collection.collect(filter).rows
        var groups: Set<SIMD2<Int32>> = []
        let rows = found.filter { row in
            let group = SIMD2(row.segment, row.row / Self.groupedRows)
            if groups.count < Self.readGroups { groups.insert(group) }
            return groups.contains(group)
        }
        return (rows, rows.count == found.count && found.count < count)
    }

    private func visit(_ rows: [RowReference], _ body: (SealedView) -> Void) throws {
        for (number, members) in Dictionary(grouping: rows, by: \.segment) {
            try work.meter.check()
            try work.segments[Int(number)].withRecords(members.map { Int($0.row) }.sorted()) { _, view in
                body(view)
                return true
            }
        }
    }

    // MARK: Values

    func values(of reference: FieldReference, prefix: String, limit: Int) async throws -> ValueSummary {
        let fields = reference.searched.filter { work.groups.contains($0.group) }
        let folded = CaseFolding.folded(prefix)
        if !fields.isEmpty, fields.allSatisfy(\.isColumnar) {
            return try await columnValues(fields, folded, limit)
        }
        guard fields.isEmpty || fields.allSatisfy({ $0.type != .time }) else {
            return ValueSummary(entries: [], isExact: true)
        }
        return try await recordValues(reference, folded, limit)
    }

    private func columnValues(_ fields: [Field], _ prefix: [UInt8], _ limit: Int) async throws -> ValueSummary {
        let counted = Shared([CountedColumn]())
        try await work.forEach(work.numbers(for: filter)) { number, worker in
            let segment = work.segments[number]
            let selection = SegmentFilter(rows: segment, meter: work.meter, worker: worker)
            let rows = try await selection.select(filter, among: work.candidates(number))
            guard !rows.isEmpty else { return }
            for field in fields {
                try work.meter.check()
                guard let column = try segment.column(field) else { continue }
                let own = work.meter.measure("column \(field.path)") {
                    CountedColumn(column, rows, prefix: prefix, facts: (segment as? SegmentReader)?.facts)
                }
                try work.meter.allowance.take(own.byteCount)
                counted.withLock { $0.append(own) }
            }
        }
        try work.meter.check()
        return ValueRanking(columns: counted.withLock { $0 }, limit: limit) { Self.begins($0, with: prefix) }
            .result(cap: work.limits.rankedCandidates)
    }

    private func recordValues(
        _ reference: FieldReference, _ prefix: [UInt8], _ limit: Int
    ) async throws -> ValueSummary {
        let (rows, isAll) = try await newest(Self.sampledValueEvents)
        let cells = EventCells([reference], groups: work.groups)
        let parser = JSONParser()
        var counts: [[UInt8]: Int] = [:]
        try visit(rows) { view in
            guard let cell = cells.row(view, index: LeafIndex(0), parser: parser).first else { return }
            let members: [QueryValue] = if case .list(let members) = cell { members } else { [cell] }
            for text in Set(members.compactMap(\.text)) {
                let bytes = Array(text.utf8)
                if bytes.withUnsafeBytes({ Self.begins($0, with: prefix) }) { counts[bytes, default: 0] += 1 }
            }
        }
        return Self.summary(counts, limit, isExact: isAll)
    }

    private static func begins(_ value: UnsafeRawBufferPointer, with folded: [UInt8]) -> Bool {
        guard !folded.isEmpty else { return true }
        // Most values differ in their first character, and it is ASCII.
        guard let first = value.first else { return false }
        if folded[0] < 0x80, first < 0x80, CaseFolding.fold(first) != folded[0] { return false }
        if folded.allSatisfy({ $0 < 0x80 }), value.count >= folded.count,
            value.prefix(folded.count).allSatisfy({ $0 < 0x80 })
        {
            return zip(value, folded).allSatisfy { CaseFolding.fold($0) == $1 }
        }
        var whole: [UInt8] = []
        CaseFolding.appendFolded(value, to: &whole)
        return whole.starts(with: folded)
    }

    private static func summary(_ counts: [[UInt8]: Int], _ limit: Int, isExact: Bool) -> ValueSummary {
        let sorted = counts.sorted { left, right in
            left.value != right.value ? left.value > right.value : left.key.lexicographicallyPrecedes(right.key)
        }
        return ValueSummary(
            entries: sorted.prefix(limit).map {
                .init(value: String(decoding: $0.key, as: UTF8.self), events: $0.value)
            },
            isExact: isExact)
    }
}

extension FieldReference {
    /// The fields in which a value is looked for.
    fileprivate var searched: [Field] {
        switch self {
        case .field(let field): [field]
        case .alias(let alias): alias.searched
        case .leafIndex, .raw, .ext, .column: []
        }
    }
}

/// The paths of payloads and how many payloads have them.
private struct PayloadPaths {
    let limit: Int
    let depth: Int
    private var counts: [[String]: Int] = [:]

    init(limit: Int, depth: Int) {
        self.limit = limit
        self.depth = depth
    }

    mutating func add(_ root: JSONValue) {
        var seen: Set<[String]> = []
        collect(root, [], &seen)
        for path in seen where counts[path] != nil || counts.count < limit { counts[path, default: 0] += 1 }
    }

    private func collect(_ value: JSONValue, _ path: [String], _ seen: inout Set<[String]>) {
        guard path.count <= depth, seen.count < limit else { return }
        switch value.kind {
        case .object:
            for member in value.members where !member.key.isEmpty {
                collect(member.value, path + [member.key.text], &seen)
            }
        case .array: for element in value.elements { collect(element, path, &seen) }
        case .null: break
        default: if !path.isEmpty { seen.insert(path) }
        }
    }

    var entries: [FieldSummary.Entry] {
        counts.map { path, events in
            FieldSummary.Entry(name: FieldReference.raw(PayloadPath(path)).canonical, type: .untyped, events: events)
        }.sorted { $0.events != $1.events ? $0.events > $1.events : $0.name < $1.name }
    }
}
