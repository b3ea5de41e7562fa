import EventModel

/// Merges one field's columns: the sorted dictionaries into one, the codes through a table for each input.
struct ColumnMerger {
    /// Values are gathered to so many bytes before they are written.
    private static let textBytes = 1 << 16

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
        var merger = DictionaryMerger(columns.map { $0?.dictionary }, firstCode: 1)
        var offsets = GrowableMemory<UInt32>()
        defer {
            merger.free()
            offsets.free()
        }
        try composer.section(.values, field: field) {
            try mergeValues(&merger, &offsets, composer)
            return merger.count
        }
        try composer.section(.valueOffsets, field: field) {
            try composer.append(numbers: offsets.buffer)
            return merger.count
        }
        let isList = columns.contains { $0?.isList == true }
        let writer = CodeWriter(valueCount: merger.count, codes: inputs.reduce(0) { $0 + $1.rowCount })
        for (position, column) in columns.enumerated() {
            copyCodes(of: column, rows: inputs[position].rowCount, merger.table(position), isList: isList, writer)
        }
        try writer.write(to: composer, field: field, isList: isList)
        if isList { try writeStarts(to: composer) }
        for input in inputs {
            for kind in [SectionKind.values, .valueOffsets, .codes, .rowStarts] { input.release(kind, field) }
        }
    }

    private func mergeValues(
        _ merger: inout DictionaryMerger, _ offsets: inout GrowableMemory<UInt32>, _ composer: SegmentComposer
    ) throws {
        var text = GrowableMemory<UInt8>(capacity: Self.textBytes)
        defer { text.free() }
        var end: UInt32 = 0
        while let value = merger.next() {
            offsets.append(end)
            let (sum, overflow) = end.addingReportingOverflow(UInt32(value.count))
            guard !overflow else { throw EventStoreError(.refused, "values of \(field.path) exceed 4 GiB") }
            end = sum
            text.append(bytes: value)
            guard text.count >= Self.textBytes else { continue }
            try composer.append(numbers: text.buffer)
            text.removeAll()
        }
        offsets.append(end)
        try composer.append(numbers: text.buffer)
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

extension SegmentColumn {
    /// The values, in memory that the column holds.
    fileprivate var dictionary: DictionaryMerger.Dictionary? {
        withValues { bytes, offsets in
            guard let values = bytes.baseAddress, let offsets = offsets.baseAddress else { return nil }
            return DictionaryMerger.Dictionary(values: values, offsets: offsets, count: valueCount)
        }
    }
}
