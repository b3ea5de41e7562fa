import EventModel
import Journal

/// Makes what is stored of a record (``RecordForm``).
///
/// A residue is made only of a record that is exactly what a ``RecordRebuilder`` writes: known fields in ascending order, each in
/// its group, numbers in their shortest form, nothing destroyed. Any other record is stored whole.
///
/// Cost: less than 1 µs a record, most of it the payload's digest.
final class ResidueEncoder {
    private static let maximumValueBytes: UInt64 = 1 << 31

    private let retentionClass: UInt16
    private let digest = PayloadDigest()
    /// For each number of a field its ``RecordForm/Place`` and its group.
    private let places: UnsafeMutablePointer<UInt8>
    private let groups: UnsafeMutablePointer<UInt8>

    init(_ partition: JournalPartition) {
        retentionClass = partition.retentionClass
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
    }

    /// Appends what is stored of a record.
    func append(_ record: SealedView, to output: SegmentMemory) {
        let start = output.count
        // A residue is never longer than the record and the bytes before and behind its entries.
        output.reserve(record.bytes.count + 8)
        if !appendResidue(of: record, to: output) {
            output.truncate(to: start)
            output.append(byte: RecordForm.whole)
            output.append(record.bytes)
        }
    }

    /// False when the record is not one that could be rebuilt.
    private func appendResidue(of record: SealedView, to output: SegmentMemory) -> Bool {
        guard record.retentionClass == retentionClass, let payload = record.payload else { return false }
        var flags = RecordForm.residue
        let start = output.count
        output.append(byte: flags)
        if record.kind != 0 {
            flags |= RecordForm.hasKind
            output.append(byte: record.kind)
        }
        var last = -1
        var hasReceived = false
        for group in FieldGroup.allCases where group != .raw {
            guard let bytes = record.group(group) else { return false }
            var position = 0
            while position < bytes.count {
                let entryStart = position
                let number = bytes[position]
                position += 1
                guard groups[Int(number)] == group.rawValue,
                    let place = RecordForm.Place(rawValue: places[Int(number)]),
                    let element = Self.shortNumber(bytes, &position), element < UInt64(EventRecord.maximumElements),
                    let length = Self.shortNumber(bytes, &position), length < Self.maximumValueBytes,
                    Int(length) <= bytes.count - position
                else { return false }
                let order = Int(number) << 8 | Int(element)
                guard order > last else { return false }
                last = order
                let value = bytes.slice(position..<position + Int(length))
                position += Int(length)
                switch place {
                case .unknown: return false
                case .column: continue
                case .time:
                    guard element == 0, length == 8 else { return false }
                    flags |= RecordForm.hasTime
                case .received:
                    guard element == 0, length == 8 else { return false }
                    hasReceived = true
                case .digest:
                    guard element == 0 else { return false }
                    if Int(length) == PayloadDigest.count, digest.of(payload).hasSameBytes(as: value) {
                        flags |= RecordForm.hasDigest
                    } else {
                        output.append(bytes.slice(entryStart..<position))
                    }
                case .residue: output.append(bytes.slice(entryStart..<position))
                }
            }
        }
        guard hasReceived else { return false }
        output.append(byte: RecordForm.end)
        output.append(payload)
        output.start.storeBytes(of: flags, toByteOffset: start, as: UInt8.self)
        return true
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
