/// Derives the salts of a seed's events. Keeps the path to the last key, so that a walk over all positions costs two
/// tree hashes an event instead of eight, and three more for the salts.
package struct SaltDeriver: Sendable {
    private let seed: SaltSeed
    /// The nodes on the path to `lastPosition`, from the covering subtree's own down; index 0 has the depth `top`.
    private var path: [Bytes32] = []
    private var top = 0
    private var lastPosition: UInt8 = 0
    private var covered: ClosedRange<UInt8>?

    package init(_ seed: SaltSeed) {
        self.seed = seed
        path.reserveCapacity(Int(SaltSeed.depth) + 1)
    }

    /// The salts of the event at a position of the bundle.
    ///
    /// - Returns: nil when the seed does not cover the position: the event's key was destroyed.
    /// - Complexity: five hashes for consecutive positions, at most eleven.
    package mutating func salts(at position: UInt8) -> EventSalts? {
        key(at: position).map(EventSalts.init(key:))
    }

    /// The event's key at a position, from which ``EventSalts`` follow.
    package mutating func key(at position: UInt8) -> Bytes32? {
        guard descend(towards: position) else { return nil }
        while top + path.count <= Int(SaltSeed.depth) {
            let depth = top + path.count
            let bit = (position >> (7 - UInt8(depth - 1))) & 1
            path.append(LabelledHash.treeNode(bit, path[path.count - 1]))
        }
        lastPosition = position
        return path[path.count - 1]
    }

    /// Shortens the path to what the last position and this one share, or begins a new one at the covering subtree.
    private mutating func descend(towards position: UInt8) -> Bool {
        if let covered, covered.contains(position) {
            let shared = (lastPosition ^ position).leadingZeroBitCount
            path.removeLast(max(0, path.count - (shared - top + 1)))
            return true
        }
        guard let subtree = seed.subtrees.first(where: { $0.positions.contains(position) }) else { return false }
        covered = subtree.positions
        top = Int(subtree.depth)
        path.removeAll(keepingCapacity: true)
        path.append(subtree.key)
        return true
    }
}
