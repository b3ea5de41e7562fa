import EventModel
import Journal

/// Makes sealed forms of what is stored of records, with the entries that the columns of their segment hold.
///
/// Of columns only the pages are read, and checked, that hold what the records need. Used by one task at a time.
/// Cost: about 2 µs a record of 25 fields, the payload's digest among them.
final class RecordRebuilder {
    /// One of the fields that a residue leaves out, in ascending order.
    private struct Source {
        let place: RecordForm.Place
        let number: UInt8
        let group: UInt8
        /// The place in `columns`, of columns alone.
        let column: Int
    }

    private struct Column {
        let values: PagedSection
        let offsets: PagedSection
        let codes: PagedSection
        let starts: PagedSection?
        let number: UInt8
        let width: Int
        /// Of a column of which nearly all codes are the same.
        var sparse: SparseCodes?
    }

    private let reader: SegmentReader
    private let sources: UnsafeMutableBufferPointer<Source>
    /// By hand, as all that every record asks for: no references are counted and nothing is copied.
    private let columns: UnsafeMutableBufferPointer<Column>
    private let times: TimeChunks
    private let received: TimeChunks
    private let groups: UnsafeMutablePointer<UInt8>
    private let digest = PayloadDigest()

    init(_ reader: SegmentReader) throws {
        times = try TimeChunks(reader, .times)
        received = try TimeChunks(reader, .received)
        let sparse = try Self.sparseCodes(of: reader)
        self.reader = reader
        groups = .allocate(capacity: 256)
        groups.initialize(repeating: FieldGroup.raw.rawValue, count: 256)
        var sources: [Source] = []
        var columns: [Column] = []
        for field in Field.allCases.sorted(by: { $0.rawValue < $1.rawValue }) {
            groups[Int(field.rawValue)] = field.group.rawValue
            let place = RecordForm.Place(field)
            switch place {
            case .unknown, .residue: continue
            case .time, .received, .digest: break
            case .column:
                guard let values = PagedSection(reader, .values, field),
                    let offsets = PagedSection(reader, .valueOffsets, field),
                    let codes = PagedSection(reader, .codes, field)
                else { continue }
                columns.append(
                    Column(
                        values: values, offsets: offsets, codes: codes, starts: PagedSection(reader, .rowStarts, field),
                        number: field.rawValue, width: Int(codes.width),
                        sparse: sparse[field]))
            }
            sources.append(
                Source(
                    place: place, number: field.rawValue, group: field.group.rawValue, column: columns.count - 1))
        }
        self.columns = .allocate(capacity: columns.count)
        _ = self.columns.initialize(fromContentsOf: columns)
        self.sources = .allocate(capacity: sources.count)
        _ = self.sources.initialize(fromContentsOf: sources)
    }

    deinit {
        for column in columns {
            column.values.free()
            column.offsets.free()
            column.codes.free()
            column.starts?.free()
        }
        columns.deallocate()
        sources.deallocate()
        groups.deallocate()
    }

    /// Appends the sealed form of a row.
    ///
    /// - Throws: `damaged` when the stored bytes or the columns are not what was written.
    func append(_ stored: UnsafeRawBufferPointer, row: Int, to output: SegmentMemory) throws {
        guard let flags = stored.first else { throw malformed(row) }
        guard flags != RecordForm.whole else { return output.append(stored.slice(1..<stored.count)) }
        guard flags & RecordForm.residue != 0, flags & ~RecordForm.known == 0 else { throw malformed(row) }
        var position = 1
        var kind: UInt8 = 0
        if flags & RecordForm.hasKind != 0 {
            guard position < stored.count else { throw malformed(row) }
            kind = stored[position]
            position += 1
        }
        let entriesStart = position
        let payloadStart = try endOfEntries(stored, entriesStart, row) + 1
        let payload = stored.slice(payloadStart..<stored.count)

        let start = output.count
        output.reserve(SealedForm.headerBytes + stored.count + 4_096)
        appendHeader(kind: kind, to: output)
        var lengths = InlineArray<6, Int>(repeating: 0)
        lengths[Int(FieldGroup.raw.rawValue)] = payload.count
        for index in sources.indices {
            // Where this field's entries would stand, those of the residue with lower numbers stand before.
            let number = sources[index].number
            while stored[position] < number, stored[position] != RecordForm.end {
                position = copyEntry(stored, position, &lengths, to: output)
            }
            let before = output.count
            switch sources[index].place {
            case .time:
                if flags & RecordForm.hasTime != 0 { try append(number, times, row, to: output) }
            case .received: try append(number, received, row, to: output)
            case .digest:
                if flags & RecordForm.hasDigest != 0 { append(number, 0, digest.of(payload), to: output) }
            case .column: try append(columns.baseAddress! + sources[index].column, row, to: output)
            case .unknown, .residue: break
            }
            lengths[Int(sources[index].group)] += output.count - before
        }
        while stored[position] != RecordForm.end {
            position = copyEntry(stored, position, &lengths, to: output)
        }
        output.append(payload)
        for group in 0..<FieldGroup.count {
            (output.start + start + 4 + group * 4).storeBytes(
                of: UInt32(truncatingIfNeeded: lengths[group]).bigEndian, as: UInt32.self)
        }
    }

    /// The codes of columns that store few of them; these are small, and read and checked whole.
    private static func sparseCodes(of reader: SegmentReader) throws -> [Field: SparseCodes] {
        var columns: [Field: SparseCodes] = [:]
        for field in Field.allCases {
            guard let codes = reader.section(.codes, field), codes.width == 0 else { continue }
            columns[field] = SparseCodes(try reader.required(.codes, field))
        }
        return columns
    }

    // MARK: The residue

    /// Where the entries of a residue end; checks that each ends in it.
    private func endOfEntries(_ stored: UnsafeRawBufferPointer, _ start: Int, _ row: Int) throws -> Int {
        var position = start
        while position < stored.count {
            if stored[position] == RecordForm.end { return position }
            position += 1
            guard Varint.read(stored, at: &position) != nil, let length = Varint.read(stored, at: &position),
                length <= UInt64(stored.count - position)
            else { break }
            position += Int(length)
        }
        throw malformed(row)
    }

    /// Copies an entry that ``endOfEntries(_:_:_:)`` has seen, and returns where the next begins.
    private func copyEntry(
        _ stored: UnsafeRawBufferPointer, _ start: Int, _ lengths: inout InlineArray<6, Int>, to output: SegmentMemory
    ) -> Int {
        var position = start + 1
        _ = Varint.read(stored, at: &position)
        position += Int(Varint.read(stored, at: &position) ?? 0)
        output.append(stored.slice(start..<position))
        lengths[Int(groups[Int(stored[start])])] += position - start
        return position
    }

    // MARK: What the segment holds

    private func appendHeader(kind: UInt8, to output: SegmentMemory) {
        let retentionClass = reader.partition.retentionClass
        output.reserve(SealedForm.headerBytes)
        let header = output.start + output.count
        header.storeBytes(of: SealedForm.version, as: UInt8.self)
        header.storeBytes(of: kind, toByteOffset: 1, as: UInt8.self)
        header.storeBytes(of: retentionClass.bigEndian, toByteOffset: 2, as: UInt16.self)
        output.commit(SealedForm.headerBytes)
    }

    private func append(_ number: UInt8, _ times: TimeChunks, _ row: Int, to output: SegmentMemory) throws {
        withUnsafeBytes(of: try times.time(ofRow: row).bigEndian) { append(number, 0, $0, to: output) }
    }

    private func append(_ column: UnsafeMutablePointer<Column>, _ row: Int, to output: SegmentMemory) throws {
        guard let range = try column.pointee.starts?.bytes(row * 4, 8, of: reader) else {
            return try append(column, at: row, element: 0, to: output)
        }
        let first = Int(UInt32(littleEndian: range.loadUnaligned(as: UInt32.self)))
        let end = Int(UInt32(littleEndian: range.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        guard first <= end, end - first <= EventRecord.maximumElements else { throw malformed(row) }
        for position in first..<end { try append(column, at: position, element: position - first, to: output) }
    }

    @inline(__always)
    private func append(
        _ column: UnsafeMutablePointer<Column>, at position: Int, element: Int, to output: SegmentMemory
    ) throws {
        let code = try code(column, at: position)
        guard code > 0 else { return }
        // The offset behind the last value's is the last that there is: a larger code ends outside of the section.
        let offsets = try column.pointee.offsets.bytes(Int(code - 1) * 4, 8, of: reader)
        let first = Int(UInt32(littleEndian: offsets.loadUnaligned(as: UInt32.self)))
        let end = Int(UInt32(littleEndian: offsets.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        let value = try column.pointee.values.bytes(first, end - first, of: reader)
        append(column.pointee.number, element, UnsafeRawBufferPointer(start: value, count: end - first), to: output)
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

    @inline(__always)
    private func append(_ number: UInt8, _ element: Int, _ value: UnsafeRawBufferPointer, to output: SegmentMemory) {
        // A byte for the field, two for an element below 256, five at most for a length in a segment.
        output.reserve(value.count + 8)
        var target = output.start + output.count
        func put(_ byte: UInt8) {
            target.storeBytes(of: byte, as: UInt8.self)
            target += 1
        }
        func put(varint: Int) {
            var rest = varint
            while rest >= 0x80 {
                put(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            put(UInt8(truncatingIfNeeded: rest))
        }
        put(number)
        put(varint: element)
        put(varint: value.count)
        if let source = value.baseAddress { target.copyMemory(from: source, byteCount: value.count) }
        output.commit(target + value.count - (output.start + output.count))
    }

    private func malformed(_ row: Int) -> EventStoreError {
        SegmentFault(
            file: reader.name, section: "records", offset: reader.section(.records)?.offset ?? 0,
            reason: "row \(row) is malformed"
        ).error
    }
}
