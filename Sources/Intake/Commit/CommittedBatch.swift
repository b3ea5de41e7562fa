package import EventModel
package import Journal
package import Ledger

/// Events that are durable and have their indexes: what every view reads, in order, and nothing else. Immutable; the bytes
/// are shared, never copied.
package final class CommittedBatch: Sendable {
    package struct Item: Sendable {
        package let range: Range<Int>
        package let key: DeliveryKey?
        package let payloadDigest: UInt64
        /// Whether the payload is JSON that a parser has taken just now.
        package let isDocument: Bool

        package init(range: Range<Int>, key: DeliveryKey?, payloadDigest: UInt64, isDocument: Bool = false) {
            self.isDocument = isDocument
            self.range = range
            self.key = key
            self.payloadDigest = payloadDigest
        }
    }

    package let firstIndex: LeafIndex
    package let partition: JournalPartition
    package let bytes: [UInt8]
    /// Of each event, its sealed form's place in ``bytes``. The event at position *i* has the index `firstIndex + i`.
    package let items: [Item]
    /// The leaf entries, in the same order; none where every one is in the tree already.
    package let entries: [LeafEntry]
    /// The salt seeds of the bundles that these events belong to.
    package let seeds: SeedTable
    /// Whether the events were sealed by this process just now; false for those that are read back from the journal.
    package let isFresh: Bool
    /// Intake's budget, given back when the last view lets go of the batch.
    private let admitted: Admitted?
    /// Where ``bytes`` goes then.
    private let memory: BatchMemory?

    package init(
        firstIndex: LeafIndex, partition: JournalPartition, bytes: [UInt8], items: [Item], entries: [LeafEntry],
        seeds: SeedTable, isFresh: Bool, admitted: Admitted?,
        memory: BatchMemory? = nil
    ) {
        self.firstIndex = firstIndex
        self.partition = partition
        self.bytes = bytes
        self.items = items
        self.entries = entries
        // A commit's seeds are those of all its deliveries; each batch keeps those of its own events.
        var own = SeedTable()
        for bundle in JournalBundle.numbers(of: firstIndex.rawValue..<firstIndex.rawValue + UInt64(items.count)) {
            own[bundle: bundle, partition] = seeds[bundle: bundle, partition]
        }
        self.seeds = own
        self.isFresh = isFresh
        self.admitted = admitted
        self.memory = memory
    }

    deinit { memory?.give(bytes) }

    package var count: Int { items.count }
    /// The index after the last event.
    package var endIndex: LeafIndex { LeafIndex(firstIndex.rawValue + UInt64(items.count)) }

    /// Visits every event from an index on.
    package func forEach(
        from index: LeafIndex = LeafIndex(0), _ body: (LeafIndex, SealedView, Item) throws -> Void
    ) throws {
        let skipped = index > firstIndex ? Int(index.rawValue - firstIndex.rawValue) : 0
        guard skipped < items.count else { return }
        try bytes.withUnsafeBytes { bytes in
            for position in skipped..<items.count {
                try body(
                    LeafIndex(firstIndex.rawValue + UInt64(position)), SealedView(bytes.slice(items[position].range)),
                    items[position])
            }
        }
    }
}
