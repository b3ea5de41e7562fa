/// Consecutive records of one partition, as the journal holds them.
package struct JournalBatch: Sendable {
    /// The indexes of ``records``, in order.
    package let indexes: Range<UInt64>
    package let partition: JournalPartition
    package let records: JournalRecords
    /// The seeds of at least all records here.
    package let seeds: SeedTable

    /// The index of the first record.
    package var firstIndex: UInt64 { indexes.lowerBound }

    /// Calls `body` with each record's index, bytes and salts, in order.
    ///
    /// - Throws: `altered` when a seed is missing, which reading has excluded; and what `body` throws.
    /// - Complexity: five hashes a record.
    package func forEach(
        _ body: (_ index: UInt64, _ record: UnsafeRawBufferPointer, _ salts: EventSalts) throws -> Void
    ) throws {
        var position = 0
        for bundle in JournalBundle.numbers(of: indexes) {
            guard let seed = seeds[bundle: bundle, partition] else { throw Self.missingSeed(bundle) }
            var deriver = SaltDeriver(seed)
            let end = min(indexes.upperBound, (bundle + 1) * JournalBundle.size)
            while firstIndex + UInt64(position) < end {
                let index = firstIndex + UInt64(position)
                guard let salts = deriver.salts(at: JournalBundle.position(of: index)) else {
                    throw Self.missingSeed(bundle)
                }
                try records.withRecord(position) { try body(index, $0, salts) }
                position += 1
            }
        }
    }

    private static func missingSeed(_ bundle: UInt64) -> JournalError {
        JournalError(.altered, "the seed of bundle \(bundle) is missing")
    }
}
