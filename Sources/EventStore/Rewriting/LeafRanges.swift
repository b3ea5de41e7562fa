/// A set of leaf indexes as ascending ranges without overlap: what holds, redactions and destructions name.
package struct LeafRanges: Sendable, Hashable {
    /// Ascending, apart from one another by at least one index.
    package private(set) var ranges: [ClosedRange<UInt64>] = []

    package init() {}

    /// The ranges of any indexes, in any order.
    package init(_ indexes: some Sequence<UInt64>) {
        self.init(ranges: indexes.map { $0...$0 })
    }

    /// Ranges in any order; those that touch or overlap become one.
    package init(ranges: [ClosedRange<UInt64>]) {
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = self.ranges.last, range.lowerBound == 0 || last.upperBound >= range.lowerBound - 1 {
                self.ranges[self.ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                self.ranges.append(range)
            }
        }
    }

    package var isEmpty: Bool { ranges.isEmpty }
    /// The number of indexes.
    package var count: UInt64 { ranges.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) + 1 } }

    /// Whether an index is in the set. Cost: O(log ranges).
    package func contains(_ index: UInt64) -> Bool {
        let next = firstRange(endingAtOrAfter: index)
        return next < ranges.count && ranges[next].contains(index)
    }

    /// Whether any index of a range is in the set.
    package func overlaps(_ other: ClosedRange<UInt64>) -> Bool {
        let next = firstRange(endingAtOrAfter: other.lowerBound)
        return next < ranges.count && ranges[next].overlaps(other)
    }

    /// Whether any index is in both sets.
    package func overlaps(_ other: LeafRanges) -> Bool { other.ranges.contains { overlaps($0) } }

    /// All indexes of both sets.
    package func union(_ other: LeafRanges) -> LeafRanges { LeafRanges(ranges: ranges + other.ranges) }

    /// The indexes that are below a bound.
    package func below(_ bound: UInt64) -> LeafRanges {
        LeafRanges(
            ranges: ranges.filter { $0.lowerBound < bound }.map { $0.lowerBound...min($0.upperBound, bound - 1) })
    }

    private func firstRange(endingAtOrAfter index: UInt64) -> Int {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < index { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
