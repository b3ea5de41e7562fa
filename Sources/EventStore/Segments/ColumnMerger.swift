import EventModel

/// Merges one field's columns: the sorted dictionaries into one, the codes through a table for each input.
struct ColumnMerger {
    private let field: Field
    private let inputs: [SegmentReader]
    /// Nil where an input has no such column.
    private let columns: [SegmentColumn?]

    init(_ field: Field, _ inputs: [SegmentReader]) throws {
        self.field = field
        self.inputs = inputs
        columns = try inputs.map { try $0.column(field) }
    }

    /// Writes the merged column's sections in the order of ``ColumnBuilder``.
    ///
    /// Memory: four bytes for each distinct value of each input, and the codes.
    func write(to composer: SegmentComposer) throws {
        var tables = columns.map { GrowableMemory<UInt32>(capacity: ($0?.valueCount ?? 0) + 1) }
        var offsets = GrowableMemory<UInt32>()
        defer {
            for table in tables { table.free() }
            offsets.free()
        }
        for position in tables.indices { tables[position].append(0) }
        var valueCount = 0
        try composer.section(.values, field: field) {
            valueCount = try mergeValues(&tables, &offsets, composer)
            return valueCount
        }
        try composer.section(.valueOffsets, field: field) {
            try composer.append(numbers: offsets.buffer)
            return valueCount
        }
        let isList = columns.contains { $0?.isList == true }
        let writer = CodeWriter(valueCount: valueCount, codes: inputs.reduce(0) { $0 + $1.rowCount })
        for (position, column) in columns.enumerated() {
            copyCodes(of: column, rows: inputs[position].rowCount, tables[position].buffer, isList: isList, writer)
        }
        try writer.write(to: composer, field: field, isList: isList)
        if isList { try writeStarts(to: composer) }
        for input in inputs {
            for kind in [SectionKind.values, .valueOffsets, .codes, .rowStarts] { input.release(kind, field) }
        }
    }

    /// Walks all dictionaries at once. A linear search for the least of few cursors beats a heap.
    private func mergeValues(
        _ tables: inout [GrowableMemory<UInt32>], _ offsets: inout GrowableMemory<UInt32>, _ composer: SegmentComposer
    ) throws -> Int {
        var cursors: [DictionaryCursor] = columns.enumerated().compactMap { position, column in
            guard let column, column.valueCount > 0 else { return nil }
            return DictionaryCursor(input: position, column)
        }
        var end: UInt32 = 0
        var code: UInt32 = 0
        while let first = cursors.first {
            var least = first
            var isShared = false
            for cursor in cursors.dropFirst() {
                if cursor.prefix > least.prefix { continue }
                if cursor.prefix < least.prefix || cursor.value.precedes(least.value) {
                    least = cursor
                    isShared = false
                } else if cursor.value.hasSameBytes(as: least.value) {
                    isShared = true
                }
            }
            code += 1
            offsets.append(end)
            let value = least.value
            let (sum, overflow) = end.addingReportingOverflow(UInt32(value.count))
            guard !overflow else { throw EventStoreError(.refused, "values of \(field.path) exceed 4 GiB") }
            end = sum
            try composer.append(value)
            var hasFinished = false
            for position in cursors.indices {
                let isSame =
                    cursors[position].input == least.input
                    || isShared && cursors[position].prefix == least.prefix
                        && cursors[position].value.hasSameBytes(as: value)
                guard isSame else { continue }
                tables[cursors[position].input].append(code)
                guard let column = columns[cursors[position].input] else { continue }
                hasFinished = !cursors[position].advance(in: column) || hasFinished
            }
            if hasFinished { cursors.removeAll { $0.isFinished } }
        }
        offsets.append(end)
        return Int(code)
    }

    private func copyCodes(
        of column: SegmentColumn?, rows: Int, _ table: UnsafeBufferPointer<UInt32>, isList: Bool, _ writer: CodeWriter
    ) {
        guard let column else {
            // In a list column a row without members takes no place.
            guard !isList else { return }
            return writer.append(zeros: rows)
        }
        let dropsZeros = isList && !column.isList
        column.withCodes { codes in
            switch codes {
            case .oneByte(let codes): writer.append(codes, table, dropsZeros: dropsZeros)
            case .twoBytes(let codes): writer.append(codes, table, dropsZeros: dropsZeros)
            case .fourBytes(let codes): writer.append(codes, table, dropsZeros: dropsZeros)
            }
        }
    }

    private func writeStarts(to composer: SegmentComposer) throws {
        var starts = GrowableMemory<UInt32>(capacity: inputs.reduce(1) { $0 + $1.rowCount })
        defer { starts.free() }
        var base: UInt32 = 0
        for (position, column) in columns.enumerated() {
            for row in 0..<inputs[position].rowCount {
                starts.append(base)
                guard let column else { continue }
                base +=
                    column.isList ? UInt32(column.codeRange(ofRow: row).count) : (column.code(ofRow: row) == 0 ? 0 : 1)
            }
        }
        starts.append(base)
        try composer.section(.rowStarts, field: field) {
            try composer.append(numbers: starts.buffer)
            return starts.count - 1
        }
    }
}

/// A place in one input's dictionary. Plain memory: copying it counts no references.
private struct DictionaryCursor: BitwiseCopyable {
    let input: Int
    private var code: UInt32 = 1
    private let count: Int
    private(set) var value: UnsafeRawBufferPointer
    private(set) var prefix: UInt64

    init(input: Int, _ column: SegmentColumn) {
        self.input = input
        count = column.valueCount
        value = column.value(1)
        prefix = DictionarySortKey.prefix(of: value)
    }

    var isFinished: Bool { code > count }

    /// Goes on to the next value; false at the end.
    mutating func advance(in column: SegmentColumn) -> Bool {
        code += 1
        guard !isFinished else { return false }
        value = column.value(code)
        prefix = DictionarySortKey.prefix(of: value)
        return true
    }
}
