/// Which hashes a proof consists of, and which tiles they come from. Pure: the caller fetches the tiles.
///
/// Each hash of a proof is the root over a range of leaves; each range falls into complete subtrees; each of these is a
/// hash of a tile or is computed from hashes of one tile.
package struct ProofPlan: Sendable {
    private let size: UInt64
    private let ranges: [Range<UInt64>]
    /// The leaves that the proof begins with.
    private var start: Range<UInt64> = 0..<0

    /// The inclusion proof of a leaf. RFC 9162, section 2.1.3.1.
    ///
    /// - Throws: ``LedgerError/Code/outOfRange`` when the tree has no such leaf.
    package static func inclusion(of index: UInt64, in size: UInt64) throws -> ProofPlan {
        guard index < size else { throw LedgerError(.outOfRange, "there is no leaf \(index) in a tree of \(size)") }
        return ProofPlan(size: size, ranges: siblings(of: index..<index + 1, in: 0..<size, isKnown: true))
    }

    /// The consistency proof between two sizes; empty when they are equal. RFC 9162, section 2.1.4.1.
    ///
    /// - Throws: ``LedgerError/Code/outOfRange`` unless `0 < oldSize ≤ newSize`.
    package static func consistency(from oldSize: UInt64, to newSize: UInt64) throws -> ProofPlan {
        guard oldSize > 0, oldSize <= newSize else {
            throw LedgerError(.outOfRange, "there is no consistency proof from size \(oldSize) to \(newSize)")
        }
        return ProofPlan(size: newSize, ranges: siblings(of: 0..<oldSize, in: 0..<newSize, isKnown: true))
    }

    /// The root of the tree of `size` leaves, as a plan of one hash.
    package static func root(of size: UInt64) -> ProofPlan {
        ProofPlan(size: size, ranges: [0..<size])
    }

    /// The path from a complete node, 2^height leaves from index · 2^height on, to the root.
    static func path(ofNodeAt height: UInt64, index: UInt64, in size: UInt64) -> ProofPlan {
        let leaves = index << height..<(index + 1) << height
        return ProofPlan(size: size, ranges: siblings(of: leaves, in: 0..<size, isKnown: true), start: leaves)
    }

    /// The root that a node and the hashes of its path lead to.
    func root(from node: TreeHash, siblings: [TreeHash]) -> TreeHash {
        var hash = node
        var covered = start
        for (range, sibling) in zip(ranges, siblings) {
            let isLeft = range.lowerBound < covered.lowerBound
            hash = isLeft ? MerkleHashing.node(sibling, hash) : MerkleHashing.node(hash, sibling)
            covered = min(range.lowerBound, covered.lowerBound)..<max(range.upperBound, covered.upperBound)
        }
        return hash
    }

    /// The ranges that a verifier who knows the root over `part` needs, lowest first; with `isKnown` false the verifier
    /// does not know it and it comes first.
    ///
    /// The subtree proof of draft-ietf-plants-merkle-tree-certs, of which inclusion and consistency are special cases.
    private static func siblings(
        of part: Range<UInt64>, in tree: Range<UInt64>, isKnown: Bool
    ) -> [Range<UInt64>] {
        guard part != tree else { return isKnown ? [] : [tree] }
        let middle = tree.lowerBound + largestPowerOfTwo(below: tree.upperBound - tree.lowerBound)
        let left = tree.lowerBound..<middle
        let right = middle..<tree.upperBound
        if part.upperBound <= middle { return siblings(of: part, in: left, isKnown: isKnown) + [right] }
        if part.lowerBound >= middle { return siblings(of: part, in: right, isKnown: isKnown) + [left] }
        return siblings(of: middle..<part.upperBound, in: right, isKnown: false) + [left]
    }

    private static func largestPowerOfTwo(below length: UInt64) -> UInt64 {
        1 << UInt64(UInt64.bitWidth - 1 - (length - 1).leadingZeroBitCount)
    }
}

extension ProofPlan {
    /// A complete subtree: 2^height leaves from index · 2^height on.
    private struct Node {
        let height: UInt64
        let index: UInt64

        /// The tile that holds the node's hash or the hashes it is computed from, and where they are in it.
        func place(inTreeOf size: UInt64) throws -> (tile: TilePath, hashes: Range<Int>) {
            let level = Int(height / 8)
            let count = UInt64(1) << (height % 8)
            let first = index * count
            guard let tile = TilePath(.hashes(level: level), index: first / 256, inTreeOf: size) else {
                throw LedgerError(.outOfRange, "a tree of \(size) has no such node")
            }
            let start = Int(first % 256)
            return (tile, start..<start + Int(count))
        }
    }

    /// The complete subtrees of a range, left to right.
    private func nodes(of range: Range<UInt64>) -> [Node] {
        var nodes: [Node] = []
        var start = range.lowerBound
        while start < range.upperBound {
            let height = UInt64(UInt64.bitWidth - 1 - (range.upperBound - start).leadingZeroBitCount)
            nodes.append(Node(height: height, index: start >> height))
            start += 1 << height
        }
        return nodes
    }

    /// The tiles to fetch, each once, with the width they have in a tree of the plan's size, or in a larger one.
    package func tiles(inTreeOf total: UInt64? = nil) throws -> [TilePath] {
        var seen: Set<TilePath> = []
        return try ranges.flatMap { nodes(of: $0) }.compactMap { node in
            let tile = try node.place(inTreeOf: total ?? size).tile
            return seen.insert(tile).inserted ? tile : nil
        }
    }

    /// The proof's hashes, from the tiles that ``tiles(inTreeOf:)`` names.
    ///
    /// - Throws: ``LedgerError/Code/malformed`` when a tile has another width than its path says.
    package func hashes(
        from tiles: [TilePath: [TreeHash]], inTreeOf total: UInt64? = nil
    ) throws -> [TreeHash] {
        try ranges.map { range in
            let parts = try nodes(of: range).map { node in
                let place = try node.place(inTreeOf: total ?? size)
                guard let hashes = tiles[place.tile], hashes.count == place.tile.width else {
                    throw LedgerError(.malformed, "\(place.tile) does not have \(place.tile.width) hashes")
                }
                return MerkleHashing.root(Array(hashes[place.hashes]))
            }
            // Smaller subtrees lie to the right, so the range's root is formed from there.
            guard var root = parts.last else { return MerkleHashing.emptyRoot }
            for part in parts.dropLast().reversed() {
                root = MerkleHashing.node(part, root)
            }
            return root
        }
    }
}
