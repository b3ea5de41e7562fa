/// What decides when payloads leave: the day of receipt and the retention class. Records of one page share it, and each
/// (bundle, partition) has a salt seed of its own, so that the seed can be destroyed with the payloads.
package struct JournalPartition: Sendable, Hashable {
    /// Days from 1970-01-01 to the day of receipt, in UTC.
    package var day: Int32
    /// The number of the retention class.
    package var retentionClass: UInt16

    package init(day: Int32, retentionClass: UInt16) {
        self.day = day
        self.retentionClass = retentionClass
    }
}

/// 256 consecutive leaf indexes: the unit of salt seeds.
package enum JournalBundle {
    /// Indexes in a bundle.
    package static let size: UInt64 = 256

    /// The number of the bundle that holds an index.
    package static func number(of index: UInt64) -> UInt64 { index / size }

    /// The numbers of the bundles that hold the indexes of a range; none for an empty one.
    package static func numbers(of indexes: Range<UInt64>) -> Range<UInt64> {
        guard let last = indexes.last else { return 0..<0 }
        return number(of: indexes.lowerBound)..<number(of: last) + 1
    }

    /// The place of an index in its bundle.
    package static func position(of index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: index) }
}
