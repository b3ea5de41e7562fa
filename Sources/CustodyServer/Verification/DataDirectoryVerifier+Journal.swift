import DurableFiles
import Foundation
import Journal
import Ledger
import SystemPackage

/// The journal: its own digests, and its events against the ledger.
extension DataDirectoryVerifier {
    func checkJournal(_ ledger: LedgerReader) throws -> (comparison: LeafComparison, torn: [String]) {
        let verifier = JournalVerifier(directory: directory.appending("journal"), fileSystem: fileSystem)
        var comparison = LeafComparison(ledger: ledger)
        var torn: [String] = []
        do {
            let summary = try verifier.verify(
                visit: { batch in
                    try batch.forEach { index, record, salts in
                        comparison.compare(record, salts, at: index, in: "journal")
                    }
                },
                report: { finding in
                    let text = "\(finding.file), byte \(finding.offset): \(finding.reason)"
                    switch finding.kind {
                    // A torn end is what a running server's next write looks like. It was never acknowledged, unless the
                    // ledger has leaves of it.
                    case .tornWrite: torn.append(text)
                    // A file that a running server recycled is in the segments.
                    case .unreadable where (try? fileSystem.exists(finding.file)) == false: return
                    case .unreadable, .altered: comparison.note(text)
                    }
                })
            // The newest events are always in the journal, which was read after the checkpoint.
            if summary.nextIndex < ledger.size {
                torn.forEach { comparison.note($0) }
                comparison.note(
                    "journal: it ends at leaf \(summary.nextIndex), but \(ledger.size) leaves are signed for")
            }
        } catch {
            comparison.note("\(error)")
        }
        return (comparison, torn)
    }
}
