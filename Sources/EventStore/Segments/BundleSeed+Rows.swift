import EventModel
import Journal

extension BundleSeed {
    /// The seed for the rows of some segments alone.
    func restricted(toRowsOf segments: some Sequence<SegmentReader>) throws -> BundleSeed {
        var isKept = [Bool](repeating: false, count: Int(JournalBundle.size))
        for segment in segments {
            let first = max(bundle * JournalBundle.size, segment.indexes.lowerBound.rawValue)
            let last = min((bundle + 1) * JournalBundle.size - 1, segment.indexes.upperBound.rawValue)
            guard first <= last else { continue }
            for index in first...last where try segment.row(of: LeafIndex(index)) != nil {
                isKept[Int(JournalBundle.position(of: index))] = true
            }
        }
        return BundleSeed(bundle: bundle, seed: seed.restricted { isKept[Int($0)] })
    }

    /// Two seeds of a bundle, each for the rows beside it, as one for all of them.
    ///
    /// - Throws: `refused` when the same row is in both.
    func joined(
        havingRowsOf own: some Sequence<SegmentReader>, with other: BundleSeed, havingRowsOf segment: SegmentReader
    ) throws -> BundleSeed {
        let left = try restricted(toRowsOf: own).seed
        let right = try other.restricted(toRowsOf: CollectionOfOne(segment)).seed
        guard let joined = left.joined(with: right) else {
            throw EventStoreError(.refused, "\(segment.name) has rows of bundle \(bundle) that are elsewhere too")
        }
        return BundleSeed(bundle: bundle, seed: joined)
    }
}
