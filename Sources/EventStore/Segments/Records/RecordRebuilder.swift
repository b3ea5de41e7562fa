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
    }

    private let reader: SegmentReader
    private let sources: UnsafeMutableBufferPointer<Source>
    let columns: RecordColumns
    private let times: TimeChunks
    private let received: TimeChunks
    private var identities: IdentityCursor
    /// What marks of times in a payload stand for.
    private var timeText = TimeText()
    private let groups: UnsafeMutablePointer<UInt8>
    private let digest = PayloadDigest()

    init(_ reader: SegmentReader) throws {
        times = try TimeChunks(reader, .times)
        received = try TimeChunks(reader, .received)
        identities = try reader.identities()
        columns = try RecordColumns(reader)
        self.reader = reader
        groups = .allocate(capacity: 256)
        groups.initialize(repeating: FieldGroup.raw.rawValue, count: 256)
        var sources: [Source] = []
        for field in Field.allCases.sorted(by: { $0.rawValue < $1.rawValue }) {
            groups[Int(field.rawValue)] = field.group.rawValue
            let place = RecordForm.Place(field)
            switch place {
            case .unknown, .residue, .id, .part: continue
            case .column where !columns.has(field): continue
            default: sources.append(Source(place: place, number: field.rawValue, group: field.group.rawValue))
            }
        }
        self.sources = .allocate(capacity: sources.count)
        _ = self.sources.initialize(fromContentsOf: sources)
    }

    deinit {
        sources.deallocate()
        groups.deallocate()
        timeText.free()
    }

    /// Appends what is stored of a row, expanded: so it is searched, and so ``append(_:row:to:)`` takes it.
    ///
    /// - Throws: `damaged` when the stored bytes or the columns are not what was written.
    func expand(_ stored: StoredText, row: Int, to output: SegmentMemory) throws {
        guard let flags = stored.text.first else { throw malformed(row) }
        guard flags & RecordForm.isPacked != 0 else {
            guard stored.text.count == stored.count, stored.digits.isEmpty, flags & RecordForm.packed == 0 else {
                throw malformed(row)
            }
            return output.append(stored.text)
        }
        let start = output.count
        // All at once, so that the memory stays where it is while values are taken from it.
        output.reserve(stored.count + TextExpander.spareBytes)
        do {
            var expander = TextExpander(stored)
            output.append(byte: try expander.byte() & ~RecordForm.packed)
            if flags & RecordForm.hasKind != 0 { output.append(byte: try expander.byte()) }
            let entries = output.count
            var computed = flags & (RecordForm.hasID | RecordForm.hasPart)
            while true {
                let number = try expander.byte()
                if computed != 0 {
                    try appendIdentity(row, before: number, &computed, to: output, end: start + stored.count)
                }
                output.append(byte: number)
                if number == RecordForm.end { break }
                output.append(varint: UInt64(try expander.number()))
                let length = try expander.number()
                output.append(varint: UInt64(length))
                guard output.count - start + length <= stored.count else { throw TextExpander.Malformed() }
                try expander.expand(length, to: output, time: { nil }, &timeText) { _, _ in nil }
            }
            let residue = output.bytes.slice(entries..<output.count)
            let rest = stored.count - (output.count - start)
            guard rest >= 0 else { throw TextExpander.Malformed() }
            try expander.expand(rest, to: output, time: { try times.time(ofRow: row) }, &timeText) { field, element in
                try columns.value(of: field, element: element, row: row)
                    ?? Self.value(of: field, element: element, in: residue)
            }
            guard expander.isAtEnd else { throw TextExpander.Malformed() }
        } catch is TextExpander.Malformed {
            throw malformed(row)
        }
    }

    /// Appends those of the entries in `computed` that stand before a field, and takes them out.
    private func appendIdentity(
        _ row: Int, before number: UInt8, _ computed: inout UInt8, to output: SegmentMemory, end: Int
    ) throws {
        guard let identity = identities.identity(ofRow: row) else { throw reader.malformedIdentities }
        for (flag, field) in [(RecordForm.hasID, Field.id), (RecordForm.hasPart, Field.payloadPart)]
        where computed & flag != 0 && (number >= field.rawValue || number == RecordForm.end) {
            let part = field == .id ? "" : String(identity.part)
            let count = field == .id ? EventID.textBytes : part.utf8.count
            guard number != field.rawValue, end - output.count >= count + 3 else { throw TextExpander.Malformed() }
            computed &= ~flag
            output.append(byte: field.rawValue)
            output.append(byte: 0)
            output.append(byte: UInt8(count))
            if field == .id {
                identity.id.writeText(to: output.start + output.count)
                output.commit(count)
            } else {
                for byte in part.utf8 { output.append(byte: byte) }
            }
        }
    }

    /// A value among the entries of a residue.
    private static func value(
        of field: UInt8, element: Int, in entries: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        var position = 0
        while position < entries.count, entries[position] != RecordForm.end {
            let number = entries[position]
            position += 1
            guard let own = Varint.read(entries, at: &position), let length = Varint.read(entries, at: &position),
                length <= UInt64(entries.count - position)
            else { return nil }
            if number == field, own == UInt64(element) { return entries.slice(position..<position + Int(length)) }
            position += Int(length)
        }
        return nil
    }

    /// Appends the sealed form of a row of which this is stored, expanded.
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
            case .column:
                try columns.forEachValue(of: number, row: row) { append(number, $0, $1, to: output) }
            case .unknown, .residue, .id, .part: break
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

    /// The digest of a row's payload where its record has it as an entry that is not stored; nil for any other. Valid until the next
    /// call.
    ///
    /// - Parameter stored: What is stored of the row, expanded.
    /// - Throws: `damaged` when this is not what was written.
    func digest(of stored: UnsafeRawBufferPointer, row: Int) throws -> UnsafeRawBufferPointer? {
        guard let flags = stored.first else { throw malformed(row) }
        guard flags & RecordForm.residue != 0, flags & RecordForm.hasDigest != 0 else { return nil }
        let end = try endOfEntries(stored, flags & RecordForm.hasKind == 0 ? 1 : 2, row)
        return digest.of(stored.slice(end + 1..<stored.count))
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

    private func malformed(_ row: Int) -> EventStoreError { reader.malformedRecord(row) }
}
