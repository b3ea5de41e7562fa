import EventModel

/// The values that the columns of a segment hold of its rows, for those who go from row to row.
///
/// Only the pages are read, and checked, that hold what is asked for. Used by one task at a time. Cost: a look-up in three sections a value.
final class RecordColumns {
    private struct Column {
        let values: PagedSection
        let offsets: PagedSection
        let codes: PagedSection
        let starts: PagedSection?
        let width: Int
        /// How many values are packed; 0 where they are not.
        let packedCount: Int
        /// Of a column of which nearly all codes are the same.
        var sparse: SparseCodes?
    }

    private let reader: SegmentReader
    /// By hand, as all that every record asks for: no references are counted and nothing is copied.
    private let columns: UnsafeMutableBufferPointer<Column>
    /// By the number of a field: its place in `columns` + 1, 0 for none.
    private let places: UnsafeMutablePointer<UInt8>
    /// The packed value that was read last, and those read lately. Behind pointers: no access to them is checked for exclusivity.
    private let unpacked: UnsafeMutablePointer<PackedValueBuffer>
    private let kept: UnsafeMutablePointer<UnpackedValues>

    init(_ reader: SegmentReader) throws {
        self.reader = reader
        places = .allocate(capacity: 256)
        places.initialize(repeating: 0, count: 256)
        var columns: [Column] = []
        for field in Field.allCases where field.isColumnar {
            guard let values = PagedSection(reader, .values, field),
                let offsets = PagedSection(reader, .valueOffsets, field),
                let codes = PagedSection(reader, .codes, field)
            else { continue }
            columns.append(
                Column(
                    values: values, offsets: offsets, codes: codes, starts: PagedSection(reader, .rowStarts, field),
                    width: Int(codes.width), packedCount: Self.packedCount(reader.section(.values, field))))
            places[Int(field.rawValue)] = UInt8(columns.count)
        }
        unpacked = .allocate(capacity: 1)
        unpacked.initialize(to: PackedValueBuffer())
        kept = .allocate(capacity: 1)
        kept.initialize(to: UnpackedValues())
        self.columns = .allocate(capacity: columns.count)
        _ = self.columns.initialize(fromContentsOf: columns)
        // Few and small: read and checked whole.
        for field in Field.allCases {
            guard let codes = reader.section(.codes, field), codes.width == 0, let column = column(field.rawValue)
            else { continue }
            column.pointee.sparse = SparseCodes(try reader.required(.codes, field))
        }
    }

    deinit {
        for column in columns {
            column.values.free()
            column.offsets.free()
            column.codes.free()
            column.starts?.free()
        }
        columns.deallocate()
        places.deallocate()
        unpacked.pointee.free()
        unpacked.deallocate()
        kept.pointee.free()
        kept.deallocate()
    }

    func has(_ field: Field) -> Bool { places[Int(field.rawValue)] != 0 }

    /// Hands over a row's values of a field, elements ascending, each valid during its call.
    ///
    /// - Throws: `damaged`.
    @inline(__always)
    func forEachValue(
        of field: UInt8, row: Int, _ body: (_ element: Int, _ value: UnsafeRawBufferPointer) -> Void
    ) throws {
        guard let column = column(field) else { return }
        let positions = try positions(column, row)
        for position in positions {
            if let value = try value(column, at: position) { body(position - positions.lowerBound, value) }
        }
    }

    /// One value of a row, valid until the next one is asked for; nil where it has none.
    ///
    /// - Throws: `damaged`.
    @inline(__always)
    func value(of field: UInt8, element: Int, row: Int) throws -> UnsafeRawBufferPointer? {
        guard let column = column(field) else { return nil }
        let positions = try positions(column, row)
        guard element < positions.count else { return nil }
        return try value(column, at: positions.lowerBound + element)
    }

    private struct Wanted: BitwiseCopyable {
        let row: UInt32
        let code: UInt32
    }

    /// Adds those of some rows to others of which a value of a field passes a test. Rows near each other often have the same
    /// values: each is tested once, as long as it is among those seen lately.
    ///
    /// - Throws: `damaged`.
    func select(
        _ field: UInt8, among rows: RowSet, into selected: inout RowSet, _ test: (UnsafeRawBufferPointer) -> Bool
    ) throws {
        guard let column = column(field) else { return }
        // By the last digits of a code: the code, and above it whether its value passes.
        var known = InlineArray<64, UInt64>(repeating: 0)
        // Waited for together, as many as a processor can wait for at once, and some.
        var batch = InlineArray<32, Wanted>(repeating: Wanted(row: 0, code: 0))
        var size = 0
        func look() throws {
            for place in 0..<size { prefetchOffsets(column, batch[place].code) }
            for place in 0..<size { try prefetchValue(column, batch[place].code) }
            for position in 0..<size {
                let (row, code) = (batch[position].row, batch[position].code)
                let place = Int(code) & 63
                if UInt32(truncatingIfNeeded: known[place]) != code {
                    guard let value = try value(column, code) else { continue }
                    known[place] = UInt64(code) | (test(value) ? 1 << 32 : 0)
                }
                if known[place] >> 32 != 0 { selected.insert(Int(row)) }
            }
            size = 0
        }
        try rows.forEach { row in
            for position in try positions(column, row) {
                let code = try code(column, at: position)
                guard code > 0 else { continue }
                batch[size] = Wanted(row: UInt32(row), code: code)
                size += 1
                if size == batch.count { try look() }
            }
        }
        try look()
    }

    private func prefetchOffsets(_ column: UnsafeMutablePointer<Column>, _ code: UInt32) {
        column.pointee.offsets.prefetch(Self.place(column, code) * 4)
    }

    private func prefetchValue(_ column: UnsafeMutablePointer<Column>, _ code: UInt32) throws {
        let offsets = try column.pointee.offsets.bytes(Self.place(column, code) * 4, 8, of: reader)
        column.pointee.values.prefetch(Int(UInt32(littleEndian: offsets.loadUnaligned(as: UInt32.self))))
    }

    /// Which of a column's offsets tells where a value, or the block that it is packed in, begins.
    private static func place(_ column: UnsafeMutablePointer<Column>, _ code: UInt32) -> Int {
        column.pointee.packedCount == 0 ? Int(code - 1) : Int(code - 1) / PackedDictionary.valuesPerBlock
    }

    @inline(__always)
    private func column(_ field: UInt8) -> UnsafeMutablePointer<Column>? {
        let place = places[Int(field)]
        return place == 0 ? nil : columns.baseAddress! + Int(place - 1)
    }

    /// Where the codes of a row are.
    @inline(__always)
    private func positions(_ column: UnsafeMutablePointer<Column>, _ row: Int) throws -> Range<Int> {
        guard let range = try column.pointee.starts?.bytes(row * 4, 8, of: reader) else { return row..<row + 1 }
        let first = Int(UInt32(littleEndian: range.loadUnaligned(as: UInt32.self)))
        let end = Int(UInt32(littleEndian: range.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        guard first <= end, end - first <= EventRecord.maximumElements else { throw malformed(row) }
        return first..<end
    }

    @inline(__always)
    private func value(
        _ column: UnsafeMutablePointer<Column>, at position: Int
    ) throws -> UnsafeRawBufferPointer? {
        try value(column, try code(column, at: position))
    }

    @inline(__always)
    private func value(
        _ column: UnsafeMutablePointer<Column>, _ code: UInt32
    ) throws -> UnsafeRawBufferPointer? {
        guard code > 0 else { return nil }
        guard column.pointee.packedCount == 0 else { return try packedValue(column, Int(code)) }
        // The offset behind the last value's is the last that there is: a larger code ends outside of the section.
        let offsets = try column.pointee.offsets.bytes(Int(code - 1) * 4, 8, of: reader)
        let first = Int(UInt32(littleEndian: offsets.loadUnaligned(as: UInt32.self)))
        let end = Int(UInt32(littleEndian: offsets.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        return UnsafeRawBufferPointer(
            start: try column.pointee.values.bytes(first, end - first, of: reader), count: end - first)
    }

    private static func packedCount(_ values: SegmentSection?) -> Int {
        let count = Int(clamping: values?.itemCount ?? 0)
        return PackedDictionary.isPacked(valueCount: count) ? count : 0
    }

    /// A value of a packed dictionary, valid until the next one is asked for.
    private func packedValue(
        _ column: UnsafeMutablePointer<Column>, _ code: Int
    ) throws -> UnsafeRawBufferPointer {
        let field = Int(column.pointee.values.field)
        if let value = kept.pointee.value(field, code) { return value }
        guard code <= column.pointee.packedCount else { throw reader.malformedValues(column.pointee.values.field) }
        let (block, place) = (
            (code - 1) / PackedDictionary.valuesPerBlock, (code - 1) % PackedDictionary.valuesPerBlock
        )
        let offsets = try column.pointee.offsets.bytes(block * 4, 8, of: reader)
        let first = Int(UInt32(littleEndian: offsets.loadUnaligned(as: UInt32.self)))
        let end = Int(UInt32(littleEndian: offsets.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        let bytes = UnsafeRawBufferPointer(
            start: try column.pointee.values.bytes(first, end - first, of: reader), count: end - first)
        guard unpacked.pointee.read(place, of: bytes) else {
            throw reader.malformedValues(column.pointee.values.field)
        }
        kept.pointee.insert(field, code, unpacked.pointee.value)
        return unpacked.pointee.value
    }

    @inline(__always)
    private func code(_ column: UnsafeMutablePointer<Column>, at position: Int) throws -> UInt32 {
        let width = column.pointee.width
        let place = try column.pointee.codes.bytes(position * width, width, of: reader)
        switch width {
        case 0: return column.pointee.sparse?.code(ofRow: position) ?? 0
        case 1: return UInt32(place.load(as: UInt8.self))
        case 2: return UInt32(UInt16(littleEndian: place.loadUnaligned(as: UInt16.self)))
        default: return UInt32(littleEndian: place.loadUnaligned(as: UInt32.self))
        }
    }

    private func malformed(_ row: Int) -> EventStoreError { reader.malformedRecord(row) }
}

extension SegmentReader {
    /// A column's values are not what was written.
    func malformedValues(_ field: UInt8) -> EventStoreError {
        guard let section = section(.values, Field(rawValue: field)) else { return malformedRecord(0) }
        return fault(section, "is malformed").error
    }

    /// What is stored of a row's record, or what its columns hold, is not what was written.
    func malformedRecord(_ row: Int) -> EventStoreError {
        SegmentFault(
            file: name, section: "records", offset: section(.records)?.offset ?? 0, reason: "row \(row) is malformed"
        ).error
    }
}
