/// What witnesses vouch for about the time of leaves, from the beacons of a ledger. An operator can date leaves as they like;
/// these bounds they cannot move.
package struct CosignedTimes: Sendable {
    /// Milliseconds that a witness' clock may differ from ours by.
    static let clockSkew: Int64 = 600_000

    /// Ascending by leaf: from this leaf on all were sealed after the time (milliseconds since 1970), and those below the
    /// size before it.
    private let bounds: [(leaf: UInt64, size: UInt64, time: Int64)]

    /// - Parameter bounds: seconds since 1970, in any order.
    init(_ bounds: some Sequence<(leaf: UInt64, size: UInt64, time: UInt64)>) {
        var latest = Int64.min
        self.bounds = bounds.sorted { $0.leaf < $1.leaf }.map { bound in
            // What was after an earlier beacon is after a later one too.
            latest = max(latest, Int64(clamping: bound.time) &* 1_000)
            return (bound.leaf, bound.size, latest)
        }
    }

    package init() { bounds = [] }

    package var isEmpty: Bool { bounds.isEmpty }

    /// A leaf was not sealed before this, whatever it says itself; nil when no beacon is before it.
    func earliest(of leaf: UInt64) -> Int64? {
        var (low, high) = (0, bounds.count)
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle].leaf <= leaf { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : bounds[low - 1].time - Self.clockSkew
    }

    /// A leaf was not sealed after this; nil when no beacon covers it. Cost: linear in the beacons.
    func latest(of leaf: UInt64) -> Int64? {
        bounds.first { $0.size > leaf }.map { $0.time + Self.clockSkew }
    }
}
