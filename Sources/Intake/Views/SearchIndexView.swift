package import EventModel
package import EventStore

/// The event store as a view: hands it events in order, flushes it so that everything is found within a quarter of a second.
package final class SearchIndexView: View {
    package let name = "store"

    private let store: SegmentStore
    private let now: () -> Timestamp

    /// - Parameter now: The wall clock, for the age of what waits.
    package init(_ store: SegmentStore, now: @escaping () -> Timestamp) {
        self.store = store
        self.now = now
    }

    package var cursor: LeafIndex { store.nextIndex }
    package var durableCursor: LeafIndex { store.durableIndex }

    package func process(_ batch: CommittedBatch) throws {
        let entries = batch.items.map { item in
            let key = item.key.map { RecordKey(delivery: $0.bits, payload: UInt32(item.payloadDigest >> 32)) }
            let known: RecordKnowledge = item.isDocument ? [.digest, .document] : .digest
            return RecordBatch.Entry(range: item.range, key: key ?? .none, known: batch.isFresh ? known : [])
        }
        let records = RecordBatch(
            partition: batch.partition, start: batch.firstIndex, bytes: batch.bytes, entries: entries,
            seeds: batch.seeds)
        try store.append(records, now: now())
    }

    package func tick() throws { try store.tick(now: now()) }

    /// Writes everything to segments, so that the next start has nothing to replay.
    package func finish() throws { try store.close() }
}
