import AccessControl
import EventModel
import EventStore
import Foundation
import Ledger
import Logging
import Synchronization

/// Makes a leaf of every segment file's index digest, so that an index that hides an event is found by comparison.
///
/// A merge or a rewriting makes a new file and so a new seal; the last one of a name counts.
struct SegmentSealer: Sendable {
    /// How soon after it was written a segment has its seal. Until then verification rebuilds its index.
    static let interval = Duration.seconds(5)
    /// Seals of one commit: after a start there may be many.
    private static let batch = 256

    let leaves: SystemLeaves
    let store: StoreSnapshots
    let logger: Logger

    /// Seals what has none until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)
            guard !Task.isCancelled else { return }
            do {
                try await seal()
            } catch {
                logger.error("segments could not be sealed; will try again", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Seals what has no seal now. Returns how many segments that were.
    @discardableResult
    func seal() async throws -> Int {
        var count = 0
        while true {
            let seals = leaves.history.seals
            let due = store.segments().filter { $0.isFile && seals[$0.name]?.checksum != $0.checksumText }
            guard !due.isEmpty else { return count }
            let proposals = try due.prefix(Self.batch).map { segment in
                var document = SystemDocument(.seal)
                document.segment = segment.name
                document.rows = segment.rowCount
                document.checksum = segment.checksumText
                document.index = LowercaseHex.encode(try segment.indexDigest())
                return SystemLeaves.Proposal(
                    document: document,
                    entry: AuditEntry(
                        "segment.seal", activity: "create", actor: .system, resource: ("segment", segment.name)))
            }
            try await leaves.commit(proposals)
            count += proposals.count
        }
    }
}
