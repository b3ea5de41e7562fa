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
        var merger = DictionaryMerger(columns.map { $0?.dictionary }, firstCode: 1)
        var dictionary = DictionaryWriter(field, composer)
        defer {
            merger.free()
            dictionary.free()
        }
        try composer.section(.values, field: field) {
            while let value = merger.next() { try dictionary.append(value) }
            return try dictionary.finish()
        }
        if merger.isMalformed { throw malformedValues }
        try composer.section(.valueOffsets, field: field) { try dictionary.writeOffsets() }
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

    private var malformedValues: EventStoreError {
        let names = inputs.map(\.name).joined(separator: ", ")
        return EventStoreError(.damaged, "\(names): values of \(field.path) are malformed")
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
