internal import Digests

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

    /// Writes the salts of events at consecutive positions, 96 bytes each, as ``salts(at:)`` gives them one by one.
    ///
    /// - Precondition: `salts` has room for them.
    /// - Returns: How many were written: all, or as many as come before the first one whose key was destroyed.
    /// - Complexity: Five hashes an event, of which three are made together with others.
    package mutating func writeSalts(of positions: Range<Int>, to salts: UnsafeMutableRawBufferPointer) -> Int {
        precondition(salts.count >= positions.count * EventSalts.byteCount, "there is no room for the salts")
        var keys: [Bytes32] = []
        keys.reserveCapacity(positions.count)
        for position in positions {
            guard let key = key(at: UInt8(position)) else { break }
            keys.append(key)
        }
        var digests = DigestQueue(capacity: keys.count * EventSalts.pairs)
        let hash = LabelledHash.saltPair
        withUnsafeTemporaryAllocation(byteCount: EventSalts.pairs * hash.headBytes, alignment: 1) { heads in
            for pair in 0..<EventSalts.pairs {
                let head = UnsafeMutableRawBufferPointer(
                    rebasing: heads[pair * hash.headBytes..<(pair + 1) * hash.headBytes])
                hash.writeHead(UInt8(pair), to: head)
            }
            keys.withUnsafeBytes { keys in
                for place in 0..<keys.count / Bytes32.count * EventSalts.pairs {
                    let (event, pair) = place.quotientAndRemainder(dividingBy: EventSalts.pairs)
                    digests.add(
                        head: UnsafeRawBufferPointer(
                            rebasing: heads[pair * hash.headBytes..<(pair + 1) * hash.headBytes]),
                        body: UnsafeRawBufferPointer(
                            rebasing: keys[event * Bytes32.count..<(event + 1) * Bytes32.count]),
                        digest: salts.baseAddress! + place * Bytes32.count)
                }
                digests.run()
            }
        }
        return keys.count
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
