import EventModel

/// How a record is stored: whole, or as a residue, without what the segment holds elsewhere or what can be computed.
/// docs/format/segment.md §6.
enum RecordForm {
    /// The first byte of a stored record. 0: the sealed form follows.
    static let whole: UInt8 = 0
    /// A residue follows; the bits that are added say what is computed beside the columns' entries and `received`.
    static let residue: UInt8 = 1
    /// There is an entry `time`, in the section of times.
    static let hasTime: UInt8 = 2
    /// There is an entry `payload.sha256`, and it is right.
    static let hasDigest: UInt8 = 4
    /// The kind of the leaf follows as a byte; else it is 0.
    static let hasKind: UInt8 = 8
    /// The values of the entries and the payload are packed (``TextMark``).
    static let isPacked: UInt8 = 16
    /// There is an entry `id`, in the section of identities; expanded, it stands among the others.
    static let hasID: UInt8 = 32
    /// There is an entry `payload.part`, likewise.
    static let hasPart: UInt8 = 64
    /// Of what is stored, not expanded.
    static let packed: UInt8 = isPacked | hasID | hasPart
    /// Of what is stored, expanded.
    static let known: UInt8 = 15

    /// Ends the entries of a residue: no field has this number.
    static let end: UInt8 = 0

    /// Where the entries of a field are.
    enum Place: UInt8 {
        /// Nowhere: a number that is no field of ours.
        case unknown
        case column
        case time
        case received
        case digest
        /// In the section of identities where it is a UUID, else in the residue.
        case id
        /// In the section of identities where it is a number, else in the residue.
        case part
        /// In the residue.
        case residue

        init(_ field: Field) {
            switch field {
            case .time: self = .time
            case .received: self = .received
            case .payloadSHA256: self = .digest
            case .id: self = .id
            case .payloadPart: self = .part
            default: self = field.isColumnar ? .column : .residue
            }
        }
    }
}
