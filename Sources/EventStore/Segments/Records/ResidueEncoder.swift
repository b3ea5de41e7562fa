import EventModel
import Journal

/// Makes what is stored of a record (``RecordForm``), and tells the token index of its payload on the way.
///
/// A residue is made only of a record that is exactly what a ``RecordRebuilder`` writes: known fields in ascending order, each in
/// its group, numbers in their shortest form, nothing destroyed. Any other record is stored whole.
///
/// Cost: linear in the record, and the payload's digest where it is not known.
final class ResidueEncoder {
    private static let maximumValueBytes: UInt64 = 1 << 31

    private let retentionClass: UInt16
    private let digest = PayloadDigest()
    /// For the entries, which cannot stand for one another. Behind pointers: no access to them is checked for exclusivity.
    private let entryPacker: UnsafeMutablePointer<TextPacker>
    private let payloadPacker: UnsafeMutablePointer<TextPacker>
    /// For each number of a field its ``RecordForm/Place`` and its group.
    private let places: UnsafeMutablePointer<UInt8>
    private let groups: UnsafeMutablePointer<UInt8>

    init(_ partition: JournalPartition) {
        retentionClass = partition.retentionClass
        entryPacker = .allocate(capacity: 1)
        entryPacker.initialize(to: TextPacker())
        payloadPacker = .allocate(capacity: 1)
        payloadPacker.initialize(to: TextPacker())
        places = .allocate(capacity: 256)
        groups = .allocate(capacity: 256)
        places.initialize(repeating: RecordForm.Place.unknown.rawValue, count: 256)
        groups.initialize(repeating: FieldGroup.raw.rawValue, count: 256)
        for field in Field.allCases {
            places[Int(field.rawValue)] = RecordForm.Place(field).rawValue
            groups[Int(field.rawValue)] = field.group.rawValue
        }
    }

    deinit {
        places.deallocate()
        groups.deallocate()
        for packer in [entryPacker, payloadPacker] {
            packer.pointee.free()
            packer.deinitialize(count: 1)
            packer.deallocate()
        }
    }

    /// Appends what is stored of a record, and the tokens of its payload.
    ///
    /// - Returns: The bytes of what is stored when it is expanded.
    func append(
        _ record: SealedView, _ known: RecordKnowledge, to text: SegmentMemory, _ digits: SegmentMemory,
        _ tokens: UnsafeMutablePointer<TokenIndexBuilder>
    ) -> Int {
        let (start, firstDigit) = (text.count, digits.count)
        if let count = appendEntries(of: record, known, to: text, digits), let payload = record.payload {
            let mayHaveEscape = payloadPacker.pointee.pack(payload, to: text, digits) {
                tokens.pointee.add(token: $0, classes: $1)
            }
            if mayHaveEscape { tokens.pointee.noteEscapes(in: payload) }
            return count + payload.count
        }
        text.truncate(to: start)
        digits.truncate(to: firstDigit)
        text.append(byte: RecordForm.whole)
        text.append(record.bytes)
        if let payload = record.payload { tokens.pointee.add(payload: payload) }
        return 1 + record.bytes.count
    }

    /// Appends a residue up to its payload, and gathers the values that can stand for a part of it.
    ///
    /// - Returns: The bytes of this when it is expanded; nil when the record is not one that could be rebuilt.
    private func appendEntries(
        of record: SealedView, _ known: RecordKnowledge, to output: SegmentMemory, _ digits: SegmentMemory
    ) -> Int? {
        guard record.retentionClass == retentionClass, let payload = record.payload else { return nil }
        payloadPacker.pointee.removeValues()
        var flags = RecordForm.residue | RecordForm.isPacked
        let start = output.count
        // The flags and the end.
        var count = 2
        output.append(byte: flags)
        if record.kind != 0 {
            flags |= RecordForm.hasKind
            output.append(byte: record.kind)
            count += 1
        }
        var last = -1
        // What the section of times has of the row.
        var (time, received): (Int64?, Int64?) = (nil, nil)
        for group in FieldGroup.allCases where group != .raw {
            guard let bytes = record.group(group) else { return nil }
            let groupNumber = group.rawValue
            var position = 0
            while position < bytes.count {
                let entryStart = position
                let number = bytes[position]
                position += 1
                guard groups[Int(number)] == groupNumber,
                    let place = RecordForm.Place(rawValue: places[Int(number)]),
                    let element = Self.shortNumber(bytes, &position), element < UInt64(EventRecord.maximumElements),
                    let length = Self.shortNumber(bytes, &position), length < Self.maximumValueBytes,
                    Int(length) <= bytes.count - position
                else { return nil }
                let order = Int(number) << 8 | Int(element)
                guard order > last else { return nil }
                last = order
                let valueStart = position
                let value = bytes.slice(position..<position + Int(length))
                position += Int(length)
                func appendEntry() {
                    output.append(bytes.slice(entryStart..<valueStart))
                    _ = entryPacker.pointee.pack(value, to: output, digits) { _, _ in }
                    count += position - entryStart
                }
                switch place {
                case .unknown: return nil
                case .column: payloadPacker.pointee.add(field: number, element: UInt8(element), value)
                case .time:
                    guard element == 0, length == 8 else { return nil }
                    flags |= RecordForm.hasTime
                    time = Timestamp(sealed: value)?.rawValue
                case .received:
                    guard element == 0, length == 8 else { return nil }
                    received = Timestamp(sealed: value)?.rawValue
                case .digest:
                    guard element == 0 else { return nil }
                    if Int(length) == PayloadDigest.count,
                        known.contains(.digest) || digest.of(payload).hasSameBytes(as: value)
                    {
                        flags |= RecordForm.hasDigest
                    } else {
                        appendEntry()
                    }
                case .id:
                    guard element == 0, EventID(value) != nil else {
                        appendEntry()
                        continue
                    }
                    flags |= RecordForm.hasID
                    count += position - entryStart
                case .part:
                    guard element == 0, RowIdentity.part(value) != nil else {
                        appendEntry()
                        continue
                    }
                    flags |= RecordForm.hasPart
                    count += position - entryStart
                case .residue:
                    appendEntry()
                    payloadPacker.pointee.add(field: number, element: UInt8(element), value)
                }
            }
        }
        guard let received else { return nil }
        payloadPacker.pointee.setTime(time ?? received)
        output.append(byte: RecordForm.end)
        output.start.storeBytes(of: flags, toByteOffset: start, as: UInt8.self)
        return count
    }

    /// A number in its shortest form; nil for any other.
    @inline(__always)
    private static func shortNumber(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> UInt64? {
        guard position < bytes.count else { return nil }
        if bytes[position] < 0x80 {
            position += 1
            return UInt64(bytes[position - 1])
        }
        let start = position
        guard let value = Varint.read(bytes, at: &position), bytes[position - 1] != 0, position - start < 10 else {
            return nil
        }
        return value
    }
}
