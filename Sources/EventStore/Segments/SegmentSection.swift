import EventModel

/// The kinds of sections; the raw values are part of the format. docs/format/segment.md §4.
enum SectionKind: UInt16, CaseIterable, Sendable {
    /// The rows' leaf indexes, as runs or as offsets from the first; absent when they are dense.
    case leafIndexes = 1
    /// Event times.
    case times = 2
    /// Times of receipt.
    case received = 3
    /// A column's distinct values.
    case values = 4
    /// Where the values begin.
    case valueOffsets = 5
    /// A column's codes.
    case codes = 6
    /// Where each row's codes begin, in list columns.
    case rowStarts = 7
    /// Delivery keys; absent when no row has one.
    case deliveryKeys = 8
    /// Salt seeds.
    case seeds = 9
    /// Compressed blocks of records, each with its checksum in the block directory.
    case records = 10
    /// Where the blocks are.
    case blocks = 11
    /// Rows and values of payload paths.
    case pathData = 12
    /// The names of the payload paths and where their data is.
    case paths = 13
    /// Rows whose payloads have too many values for the index of paths; absent when there are none.
    case wideRows = 14
    /// All words, ascending.
    case words = 15
    /// Where in the text and in the postings every 64th word is.
    case wordBlocks = 16
    /// For each word the bundles that hold it.
    case wordPostings = 17
    /// Hashes of identifiers and the bundles that hold them.
    case identifiers = 18
    /// Where every 256th identifier is.
    case identifierBlocks = 19
    /// Bundles with opaque tokens and with escapes.
    case noted = 20
    /// For each word the columns that hold it, then those that hold opaque tokens.
    case wordFields = 21
    /// The ids of the events, and their parts of what was delivered.
    case identities = 22
    /// For each row how the digest of its payload begins; absent when no row has one.
    case digestStarts = 23
    /// For each field how long the longest token is that its column has.
    case tokenLengths = 24

    /// Whether the section is part of the index: a function of the records alone, however they were merged.
    var isIndex: Bool {
        switch self {
        case .deliveryKeys, .seeds, .records, .blocks: false
        default: true
        }
    }
}

/// One entry of a segment's directory: 32 bytes.
struct SegmentSection: Equatable, Sendable {
    static let bytes = 32
    static let alignment = 64
    /// What one checksum covers.
    static let pageBytes = 16_384
    static let noPages = UInt32.max

    var kind: SectionKind
    /// The field of a column's sections; 0 elsewhere.
    var field: UInt8
    /// Bytes of one number where it varies (codes, leaf indexes); 0 elsewhere.
    var width: UInt8
    /// The number of the first page in the table of page checksums; ``noPages`` for records.
    var firstPage: UInt32
    var offset: UInt64
    var length: UInt64
    /// Rows, values, codes, blocks or seeds.
    var itemCount: UInt64

    var range: Range<Int> { Int(offset)..<Int(offset + length) }
    var pageCount: Int {
        firstPage == Self.noPages ? 0 : (Int(length) + Self.pageBytes - 1) / Self.pageBytes
    }

    /// A page's place in the file.
    func range(ofPage page: Int) -> Range<Int> {
        let start = Int(offset) + page * Self.pageBytes
        return start..<min(start + Self.pageBytes, range.upperBound)
    }

    func append(to output: inout LittleEndianBytes) {
        output.append(kind.rawValue)
        output.append(field)
        output.append(width)
        output.append(firstPage)
        output.append(offset)
        output.append(length)
        output.append(itemCount)
    }

    /// How errors name the section.
    var name: String {
        let column = Field(rawValue: field).map { " of \($0.path)" } ?? ""
        return "\(kind)\(column)"
    }
}

extension SegmentSection {
    init?(_ reader: inout LittleEndianReader) {
        let number = reader.next(UInt16.self)
        field = reader.next(UInt8.self)
        width = reader.next(UInt8.self)
        firstPage = reader.next(UInt32.self)
        offset = reader.next(UInt64.self)
        length = reader.next(UInt64.self)
        itemCount = reader.next(UInt64.self)
        guard let kind = SectionKind(rawValue: number) else { return nil }
        self.kind = kind
    }
}

/// Something that is wrong with stored bytes, and where.
package struct SegmentFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, relative to the store's directory.
    package let file: String
    package let section: String
    /// Bytes from the beginning of the file.
    package let offset: UInt64
    package let reason: String

    package var description: String { "\(file): \(section), byte \(offset): \(reason)" }

    var error: EventStoreError { EventStoreError(.damaged, description) }
}
