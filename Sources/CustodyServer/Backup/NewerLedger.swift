package import DurableFiles
import EventModel
import EventStore
import Journal
package import Ledger
package import SystemPackage

/// A ledger that goes on where a backup ends, and what is known of its records: an exported ledger or a mirror, which has
/// leaves alone; a data directory, a broken one too as far as it can be read; evidence packs that hold records.
package struct NewerLedger: Sendable {
    /// An event as a line of an evidence pack, and the checkpoint that it is under.
    struct Line: Sendable {
        let note: [UInt8]
        let bytes: [UInt8]
    }

    let source: any TileSource
    private(set) var lines: [Line] = []

    package init(_ source: any TileSource) { self.source = source }

    /// Reads a data directory: its ledger, and the records in its segments and its journal. What cannot be read is left out:
    /// the leaves say what is missing.
    ///
    /// - Parameter key: The ledger's, or one that it had before.
    /// - Throws: `LedgerError`, `DurableFilesError` when it has no ledger that can be opened.
    package init(
        dataDirectory directory: FilePath, key: VerifierKey, fileSystem: any FileSystem = RealFileSystem()
    ) async throws {
        let path = directory.appending("ledger")
        let stored = DirectoryTileSource(directory: path, fileSystem: fileSystem)
        let current = try await stored.signer(among: try await stored.keys(after: key))
        let ledger = try LedgerReader(directory: path, fileSystem: fileSystem, key: current)
        source = ledger
        guard let latest = ledger.latest else { return }
        func add(_ view: SealedView, _ index: UInt64, _ parts: [EventRemains.Part]?) throws {
            guard index < latest.checkpoint.size, let parts else { return }
            let proof = try ledger.inclusionProof(of: index, in: latest.checkpoint.size)
            let line = try EvidenceFormat.line(
                view, index: index, parts: parts, visible: Set(FieldGroup.allCases), proof: proof)
            lines.append(Line(note: latest.note.bytes, bytes: line))
        }
        let inspection = try? SegmentInspection(directory: directory.appending("segments"), fileSystem: fileSystem)
        for segment in inspection?.segments ?? []
        where segment.partition.retentionClass == RetentionClass.records {
            try? segment.withRecords(0..<segment.rowCount) { row, view in
                let index = try segment.leafIndex(ofRow: row)
                let parts = try segment.seed(for: index).flatMap { EvidenceFormat.parts(of: $0, at: index.rawValue) }
                try add(view, index.rawValue, parts)
                return true
            }
        }
        let journal = JournalVerifier(directory: directory.appending("journal"), fileSystem: fileSystem)
        _ = try? journal.verify(
            visit: { batch in
                guard batch.partition.retentionClass == RetentionClass.records else { return }
                try batch.forEach { index, record, salts in
                    let parts = (0..<EventSalts.groups).map { EventRemains.Part.salt(salts.salt(ofGroup: $0)) }
                    try add(try SealedView(record), index, parts)
                }
            }, report: { _ in })
    }

    /// Takes the events of an evidence pack.
    ///
    /// - Throws: ``EvidenceError`` when the pack does not verify by the key; `DurableFilesError`.
    package mutating func add(pack file: any File, key: VerifierKey) async throws {
        let keys = try await source.keys(after: key)
        let report = try verify(file, among: keys)
        var pack = EvidenceLines(file)
        _ = try pack.next()
        for _ in 0..<report.events {
            guard let line = try pack.next() else { break }
            lines.append(Line(note: report.checkpoint.note.bytes, bytes: line))
        }
    }

    /// Verifies a pack by the first of the ledger's keys that signed it.
    private func verify(_ file: any File, among keys: [VerifierKey]) throws -> EvidenceReport {
        for key in keys.dropLast() {
            if let report = try? EvidenceVerifier(key: key).verify(file) { return report }
        }
        return try EvidenceVerifier(key: keys[keys.count - 1]).verify(file)
    }
}
