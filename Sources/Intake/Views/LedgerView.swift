package import EventModel
package import Ledger

/// The tree as a view: integrates entries in order and publishes a checkpoint about once a second when there is news.
package final class LedgerView: View {
    package let name = "ledger"
    /// How often a checkpoint is published. A leaf is under a signed checkpoint at most this much, and one
    /// publication, after its acknowledgement.
    package static let publishInterval = Duration.seconds(1)

    private let writer: LedgerWriter
    private let now: () -> ContinuousClock.Instant
    private var lastPublished: ContinuousClock.Instant

    /// - Parameter now: The clock that the interval is measured by.
    package init(_ writer: LedgerWriter, now: @escaping () -> ContinuousClock.Instant = { .now }) {
        self.writer = writer
        self.now = now
        lastPublished = now() - Self.publishInterval
    }

    package var cursor: LeafIndex { LeafIndex(writer.size) }
    package var durableCursor: LeafIndex { LeafIndex(writer.durableSize) }

    package func process(_ batch: CommittedBatch) throws {
        let skipped = Int(cursor.rawValue - min(cursor.rawValue, batch.firstIndex.rawValue))
        try writer.append(
            skipped == 0 ? batch.entries : Array(batch.entries.dropFirst(skipped)),
            at: batch.firstIndex.rawValue + UInt64(skipped))
    }

    package func tick() throws {
        guard now() - lastPublished >= Self.publishInterval else { return }
        try writer.publish()
        lastPublished = now()
    }

    package func finish() throws { try writer.publish() }
}
