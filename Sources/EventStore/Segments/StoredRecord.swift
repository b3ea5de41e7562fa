package import EventModel
package import Journal

/// What recognises a repeated delivery of a record: 64 bits of the key of source, connector and delivery or event id, and 32
/// bits of a digest of the payload, which is as much as deduplication compares, or more. All zero where a record has none.
package struct RecordKey: BitwiseCopyable, Hashable, Sendable {
    package static let bytes = 12
    package static let none = RecordKey(delivery: 0, payload: 0)
    package var isNone: Bool { low | high | payload == 0 }

    // Two halves: a row takes twelve bytes, not sixteen.
    private let low: UInt32
    private let high: UInt32
    package let payload: UInt32

    package init(delivery: UInt64, payload: UInt32) {
        low = UInt32(truncatingIfNeeded: delivery)
        high = UInt32(truncatingIfNeeded: delivery >> 32)
        self.payload = payload
    }

    package var delivery: UInt64 { UInt64(high) << 32 | UInt64(low) }
}

/// What is certain of a record without a look at it, since this process has sealed it just now. It saves work and changes no result.
package struct RecordKnowledge: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `payload.sha256` is the payload's digest.
    package static let digest = RecordKnowledge(rawValue: 1)
    /// The payload is JSON that a parser has taken.
    package static let document = RecordKnowledge(rawValue: 2)
}

/// Consecutive leaves of one partition, as they leave the journal. The bytes are shared, never copied.
package struct RecordBatch: Sendable {
    package struct Entry: Sendable {
        /// The sealed record's place in ``RecordBatch/bytes``.
        package let range: Range<Int>
        package let key: RecordKey
        package let known: RecordKnowledge

        package init(range: Range<Int>, key: RecordKey, known: RecordKnowledge = []) {
            self.range = range
            self.key = key
            self.known = known
        }
    }

    package let partition: JournalPartition
    /// The leaf of the first entry; the others follow without gaps.
    package let start: LeafIndex
    package let bytes: [UInt8]
    package let entries: [Entry]
    /// The seeds of all bundles that the records belong to; others are ignored.
    package let seeds: SeedTable

    package init(
        partition: JournalPartition, start: LeafIndex, bytes: [UInt8], entries: [Entry], seeds: SeedTable
    ) {
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
