import EventModel
import EventStore
import Intake
import Journal
import Ledger

/// Holds stored events against the ledger's entries. Each part of a verification has one of its own.
struct LeafComparison: Sendable {
    private let ledger: LedgerReader
    private let size: UInt64
    private var bundle: (index: UInt64, entries: [LeafEntry])?
    /// Leaves whose stored event is the one that the ledger committed to.
    private(set) var verified: [UInt64] = []
    private(set) var altered: [UInt64] = []
    private(set) var faults: [String] = []
    /// What was sealed about signer and time.
    private(set) var statements = SignerStatements()
    /// Leaves that are no events, as they are stored, where the ledger committed to them.
    private(set) var systemLeaves: [SystemLeaf] = []
    /// Leaves that are no events beyond the checkpoint: nothing but the approvals in them proves them yet.
    private(set) var pendingLeaves: [SystemLeaf] = []
    /// Leaves of which groups were destroyed, and the rest is what the ledger committed to.
    private(set) var redacted: [(index: UInt64, groups: Set<FieldGroup>)] = []
    /// Of segments, the digests of their indexes as they are stored.
    var indexes: [(segment: SegmentReader, digest: String)] = []
    /// Segments of which something cannot be read.
    var unsound: [SegmentReader] = []

    init(ledger: LedgerReader) {
        self.ledger = ledger
        size = ledger.size
    }

    mutating func note(_ fault: String) {
        if faults.count < DataDirectoryVerifier.maximumFaults { faults.append(fault) }
    }

    /// Says that the event of a leaf cannot be read.
    mutating func markAltered(_ index: UInt64) {
        if index < size { altered.append(index) }
    }

    /// Compares a record as it was stored, with its salts; without salts it cannot be what was committed to.
    ///
    /// Leaves beyond the checkpoint are not under a signature yet and are left out, but for what they say of others.
    mutating func compare(
        _ record: UnsafeRawBufferPointer, _ salts: EventSalts?, remains: EventRemains? = nil, at index: UInt64,
        in place: String
    ) {
        guard index < size else {
            if let leaf = (try? SealedView(record)).flatMap({ SystemLeaf($0, at: index) }) {
                pendingLeaves.append(leaf)
            }
            return
        }
        guard let view = try? SealedView(record), let entry = Self.entry(of: view, salts, remains),
            entry == (try? expected(at: index))
        else {
            altered.append(index)
            return note("\(place): the event of leaf \(index) is not the one that the ledger committed to")
        }
        if remains != nil { redacted.append((index, view.destroyed)) }
        if let leaf = SystemLeaf(view, at: index) { systemLeaves.append(leaf) }
        verified.append(index)
        statements.note(view, at: index)
    }

    private static func entry(of view: SealedView, _ salts: EventSalts?, _ remains: EventRemains?) -> LeafEntry? {
        if let remains { return try? LeafEntries.entry(of: view, remains: remains) }
        return salts.flatMap { try? LeafEntries.entry(of: view, salts: $0) }
    }

    /// Compares some rows of a segment.
    mutating func compare(_ segment: SegmentReader, rows: Range<Int>) throws {
        var bundle: UInt64?
        var deriver: SaltDeriver?
        var seed: SaltSeed?
        try segment.withRecords(rows) { row, view in
            let index = try segment.leafIndex(ofRow: row)
            let number = JournalBundle.number(of: index.rawValue)
            if bundle != number {
                bundle = number
                seed = try segment.seed(for: index)
                deriver = seed.map { SaltDeriver($0) }
            }
            let position = JournalBundle.position(of: index.rawValue)
            compare(
                view.bytes, deriver?.salts(at: position), remains: seed?.remains(at: position), at: index.rawValue,
                in: "segments/\(segment.name)")
            return true
        }
    }

    private mutating func expected(at index: UInt64) throws -> LeafEntry? {
        if bundle?.index != index / 256 {
            let width = min(256, size - index / 256 * 256)
            let bytes = try ledger.entries(index: index / 256, width: Int(width))
            bundle = (index / 256, try EntryBundle.decode(bytes, count: Int(width)))
        }
        return bundle?.entries[Int(index % 256)]
    }
}
