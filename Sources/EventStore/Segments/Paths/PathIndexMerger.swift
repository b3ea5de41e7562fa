import EventModel

/// Merges indexes of payload paths, one path at a time. The result is the one that a ``PathIndexBuilder`` makes of all
/// records: the limits hold for the whole when they hold for the parts and their union.
struct PathIndexMerger {
    private let inputs: [SegmentReader]
    private let indexes: [PathIndex]
    private let bases: [Int]
    private let rowCount: Int

    init(_ inputs: [SegmentReader]) throws {
        self.inputs = inputs
        indexes = try inputs.map { try $0.pathIndex() }
        var bases: [Int] = []
        var rows = 0
        for input in inputs {
            bases.append(rows)
            rows += input.rowCount
        }
        self.bases = bases
        rowCount = rows
    }

    func write(to composer: SegmentComposer) throws {
        var writer = PathIndexWriter(rowCount: rowCount)
        defer { writer.free() }
        var wideRows = GrowableMemory<UInt32>()
        defer { wideRows.free() }
        let names = Set(indexes.flatMap(\.names))
        guard indexes.allSatisfy(\.isComplete), names.count <= PathLimits.paths else {
            return try writer.write(to: composer, wideRows: wideRows.buffer, isOverflowed: true)
        }
        for (number, index) in indexes.enumerated() {
            for row in index.wideRows { wideRows.append(UInt32(bases[number]) + row) }
        }
        for name in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) { try merge(name, to: &writer) }
        for input in inputs { input.release(.pathData) }
        try writer.write(to: composer, wideRows: wideRows.buffer, isOverflowed: false)
    }

    private func merge(_ name: [UInt8], to writer: inout PathIndexWriter) throws {
        var columns: [(base: Int, column: PathColumn)] = []
        for (number, index) in indexes.enumerated() {
            guard let entry = index.entry(named: name) else { continue }
            columns.append((bases[number], try inputs[number].pathColumn(entry)))
        }
        var rows = GrowableMemory<UInt32>(capacity: max(columns.reduce(0) { $0 + $1.column.present }, 1))
        var starts = GrowableMemory<UInt32>(capacity: 1)
        var codes = GrowableMemory<UInt32>(capacity: 1)
        var text = GrowableMemory<UInt8>(capacity: 256)
        var offsets = GrowableMemory<UInt32>()
        defer {
            rows.free()
            starts.free()
            codes.free()
            text.free()
            offsets.free()
        }
        for (base, column) in columns {
            column.forEachPlace(among: RowSet(allOf: column.rowCount)) { row, _ in rows.append(UInt32(base + row)) }
        }
        var merger = DictionaryMerger(columns.map { $0.column.dictionary }, firstCode: 0)
        defer { merger.free() }
        guard columns.allSatisfy(\.column.keepsValues), Self.mergeValues(&merger, &text, &offsets) else {
            writer.add(PathColumnParts(name: name, rows: rows.buffer, values: nil))
            return
        }
        let isMulti = columns.contains { $0.column.starts != nil }
        for (position, (_, column)) in columns.enumerated() {
            for place in 0..<column.present where isMulti {
                starts.append(UInt32(codes.count + column.entries(at: place).lowerBound))
            }
            column.appendCodes(as: merger.table(position), to: &codes)
        }
        if isMulti { starts.append(UInt32(codes.count)) }
        writer.add(
            PathColumnParts(
                name: name, rows: rows.buffer,
                values: .init(
                    bytes: UnsafeRawBufferPointer(text.buffer), offsets: offsets.buffer, codes: codes.buffer,
                    starts: isMulti ? starts.buffer : nil)))
    }

    /// Whether the values of all, together, are within the limits.
    private static func mergeValues(
        _ merger: inout DictionaryMerger, _ text: inout GrowableMemory<UInt8>, _ offsets: inout GrowableMemory<UInt32>
    ) -> Bool {
        while let value = merger.next() {
            guard merger.count <= PathLimits.values, text.count + value.count <= PathLimits.valueBytes else {
                return false
            }
            offsets.append(UInt32(text.count))
            text.append(bytes: value)
        }
        offsets.append(UInt32(text.count))
        return true
    }
}
