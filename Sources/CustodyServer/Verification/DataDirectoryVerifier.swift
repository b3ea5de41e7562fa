package import DurableFiles
import EventModel
import EventStore
import Intake
import Journal
package import Ledger
package import SystemPackage

/// What a verification found.
package struct VerificationReport: Sendable {
    package var counts = VerificationCounts()
    /// What is wrong, the first first: file, place, reason.
    package var faults: [String] = []
    /// The checkpoint that everything was held against.
    package var checkpoint: SignedCheckpoint?

    package var isIntact: Bool { faults.isEmpty && counts.missing == 0 && counts.altered == 0 }
}

/// Checks a data directory from its bytes: journal, tree, segments, and that every leaf's commitment is that of the event
/// that is stored for it. Takes no lock and writes nothing, so a server may be running.
package struct DataDirectoryVerifier: Sendable {
    /// Faults told at most; one is enough to distrust everything.
    package static let maximumFaults = 20

    private let directory: FilePath
    private let fileSystem: any FileSystem
    private let key: VerifierKey

    /// - Parameter key: Whose signature the checkpoint has to bear.
    package init(directory: FilePath, fileSystem: any FileSystem = RealFileSystem(), key: VerifierKey) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.key = key
    }

    /// The key that a data directory names itself; nil when it has none. Whoever uses it trusts the directory.
    package static func ownKey(of directory: FilePath, fileSystem: any FileSystem = RealFileSystem()) -> VerifierKey? {
        let path = directory.appending("keys").appending("ledger.key")
        guard let bytes = try? fileSystem.contents(of: path) else { return nil }
        return (try? LedgerKey(parsing: String(decoding: bytes, as: UTF8.self)))?.verifierKey
    }

    /// - Throws: When the directory holds no ledger that can be opened at all.
    /// - Complexity: Reads everything once; about 10 µs an event.
    package func verify(progress: @Sendable (_ leaves: UInt64) -> Void = { _ in }) async throws -> VerificationReport {
        let ledger = try LedgerReader(
            directory: directory.appending("ledger"), fileSystem: fileSystem, key: key)
        var report = VerificationReport()
        report.checkpoint = ledger.latest
        let tree = try await LedgerVerifier(source: ledger, key: key).verify()
        if let fault = tree.fault { report.faults.append("ledger/\(fault)") }
        // A tree that does not hold is nothing to compare events with.
        guard tree.isIntact else {
            report.counts.altered = ledger.size
            return report
        }
        var leaves = LeafComparison(ledger: ledger)
        try checkSegments(&leaves, progress)
        try checkJournal(&leaves)
        report.faults += leaves.faults
        report.counts.verified = leaves.verified
        report.counts.altered = leaves.altered
        report.counts.missing = leaves.missing
        if let first = leaves.firstMissing {
            report.faults.append("leaf \(first): no event is stored for it")
        }
        return report
    }

    private func checkSegments(_ leaves: inout LeafComparison, _ progress: (UInt64) -> Void) throws {
        let inspection = try SegmentInspection(
            directory: directory.appending("segments"), fileSystem: fileSystem)
        for fault in inspection.faults { leaves.note("segments: \(fault)") }
        for segment in inspection.segments {
            segment.verify { leaves.note("segments: \($0)") }
            do {
                try check(segment, &leaves)
            } catch {
                leaves.note("segments: \(error)")
            }
            progress(leaves.verified)
        }
    }

    private func check(_ segment: SegmentReader, _ leaves: inout LeafComparison) throws {
        var bundle: UInt64?
        var deriver: SaltDeriver?
        try segment.withRecords(0..<segment.rowCount) { row, view in
            let index = try segment.leafIndex(ofRow: row)
            let number = JournalBundle.number(of: index.rawValue)
            if bundle != number {
                bundle = number
                deriver = try segment.seed(for: index).map { SaltDeriver($0) }
            }
            let salts = deriver?.salts(at: JournalBundle.position(of: index.rawValue))
            try leaves.compare(view, salts, at: index.rawValue, in: "segments")
            return true
        }
    }

    private func checkJournal(_ leaves: inout LeafComparison) throws {
        let verifier = JournalVerifier(directory: directory.appending("journal"), fileSystem: fileSystem)
        var comparison = leaves
        _ = try verifier.verify(
            visit: { batch in
                try batch.forEach { index, record, salts in
                    try comparison.compare(try SealedView(record), salts, at: index, in: "journal")
                }
            },
            report: { finding in
                // A torn end is what a running server's next write looks like, and was never acknowledged.
                guard finding.kind != .tornWrite else { return }
                comparison.note("\(finding.file), byte \(finding.offset): \(finding.reason)")
            })
        leaves = comparison
    }
}

/// Holds stored events against the ledger's entries, each leaf once.
private struct LeafComparison {
    private enum Mark: UInt8 { case unseen, verified, altered }

    private let ledger: LedgerReader
    private var marks: [Mark]
    private var bundle: (index: UInt64, entries: [LeafEntry])?
    private(set) var faults: [String] = []

    init(ledger: LedgerReader) {
        self.ledger = ledger
        marks = Array(repeating: .unseen, count: Int(ledger.size))
    }

    var verified: UInt64 { UInt64(marks.lazy.filter { $0 == .verified }.count) }
    var altered: UInt64 { UInt64(marks.lazy.filter { $0 == .altered }.count) }
    var missing: UInt64 { UInt64(marks.lazy.filter { $0 == .unseen }.count) }
    var firstMissing: Int? { marks.firstIndex(of: .unseen) }

    mutating func note(_ fault: String) {
        if faults.count < DataDirectoryVerifier.maximumFaults { faults.append(fault) }
    }

    /// Leaves beyond the checkpoint are not under a signature yet and are left out.
    mutating func compare(
        _ view: SealedView, _ salts: EventSalts?, at index: UInt64, in place: String
    ) throws {
        guard index < ledger.size else { return }
        guard let salts, let entry = try? LeafEntries.entry(of: view, salts: salts),
            entry == (try expected(at: index))
        else {
            marks[Int(index)] = .altered
            return note("\(place): the event of leaf \(index) is not the one that the ledger committed to")
        }
        if marks[Int(index)] == .unseen { marks[Int(index)] = .verified }
    }

    private mutating func expected(at index: UInt64) throws -> LeafEntry? {
        if bundle?.index != index / 256 {
            let width = min(256, ledger.size - index / 256 * 256)
            let bytes = try ledger.entries(index: index / 256, width: Int(width))
            bundle = (index / 256, try EntryBundle.decode(bytes, count: Int(width)))
        }
        return bundle?.entries[Int(index % 256)]
    }
}
