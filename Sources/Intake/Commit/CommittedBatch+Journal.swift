import EventModel
package import Journal

extension CommittedBatch {
    /// A batch that is read back from the journal, for views that are behind.
    ///
    /// - Parameter hasEntries: Whether the leaf entries are made, which the tree alone needs: most of the work.
    /// - Throws: ``IntakeError`` when a sealed form cannot be read.
    package convenience init(replaying batch: JournalBatch, keyer: DeliveryKeyer, hasEntries: Bool = true) throws {
        let firstIndex = LeafIndex(batch.firstIndex)
        let ranges = (0..<batch.records.count).map(batch.records.range(of:))
        let (entries, items) = try batch.records.bytes.withUnsafeBytes { bytes in
            (
                hasEntries
                    ? try LeafEntries.make(
                        firstIndex: firstIndex, partition: batch.partition, bytes: bytes, ranges: ranges,
                        seeds: batch.seeds) : [],
                try ranges.map { range in
                    let known = keyer.entry(of: try SealedView(bytes.slice(range)))
                    return Item(range: range, key: known?.key, payloadDigest: known?.payload ?? 0)
                }
            )
        }
        self.init(
            firstIndex: firstIndex, partition: batch.partition, bytes: batch.records.bytes, items: items,
            entries: entries, seeds: batch.seeds, isFresh: false, admitted: nil)
    }
}
