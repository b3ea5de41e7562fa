package import EventModel
package import Journal

/// What recognises a repeated delivery of a record: the 128-bit key of source, connector and delivery or event id, and a
/// 64-bit digest of the payload. All zero where a record has none.
package struct RecordKey: BitwiseCopyable, Hashable, Sendable {
    package static let bytes = 24
    package static let none = RecordKey(high: 0, low: 0, payload: 0)

    package var high: UInt64
    package var low: UInt64
    package var payload: UInt64

    package init(high: UInt64, low: UInt64, payload: UInt64) {
        self.high = high
        self.low = low
        self.payload = payload
    }
}

/// Consecutive leaves of one partition, as they leave the journal. The bytes are shared, never copied.
package struct RecordBatch: Sendable {
    package struct Entry: Sendable {
        /// The sealed record's place in ``RecordBatch/bytes``.
        package let range: Range<Int>
        package let key: RecordKey

        package init(range: Range<Int>, key: RecordKey) {
            self.range = range
            self.key = key
        }
    }

    package let partition: JournalPartition
    /// The leaf of the first entry; the others follow without gaps.
    package let start: LeafIndex
    package let bytes: [UInt8]
    package let entries: [Entry]
    /// The seeds of all bundles that the records belong to; others are ignored.
    package let seeds: SeedTable
    /// The same records, compressed, where they still are: then the store does not do it again.
    package let page: JournalPage?

    /// - Parameter page: a page of exactly these records, in this order.
    package init(
        partition: JournalPartition, start: LeafIndex, bytes: [UInt8], entries: [Entry], seeds: SeedTable,
        page: JournalPage? = nil
    ) {
        precondition(page.map { $0.count == entries.count && $0.partition == partition } ?? true)
        self.page = page
        self.partition = partition
        self.start = start
        self.bytes = bytes
        self.entries = entries
        self.seeds = seeds
    }

    /// The leaf after the last.
    package var end: LeafIndex { LeafIndex(start.rawValue + UInt64(entries.count)) }
}

/// One stored record with what salts it.
package struct StoredRecord: Sendable {
    package let index: LeafIndex
    /// The sealed form.
    package let bytes: [UInt8]
    package let key: RecordKey
    /// The seed of its (bundle, partition); nil where it was destroyed.
    package let seed: SaltSeed?
}
