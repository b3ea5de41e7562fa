/// Verification of RFC 9162 proofs, and of the subtree proofs that extend them (draft-ietf-plants-merkle-tree-certs,
/// "Subtrees"). Pure: hashes in, an answer or an error out.
package enum MerkleProofs {
    /// Checks that `leaf` is the leaf hash at `index` of the tree of `size` leaves under `root`.
    ///
    /// - Throws: ``LedgerError/Code/proofInvalid``
    /// - Complexity: one hash for each hash of the proof. RFC 9162, section 2.1.3.2.
    package static func verifyInclusion(
        of leaf: TreeHash, at index: UInt64, in size: UInt64, root: TreeHash, proof: [TreeHash]
    ) throws {
        guard index < size else { throw invalid("index \(index) is not in a tree of \(size)") }
        var position = index
        var last = size - 1
        var hash = leaf
        for sibling in proof {
            guard last != 0 else { throw invalid("inclusion proof is too long") }
            if position & 1 == 1 || position == last {
                hash = MerkleHashing.node(sibling, hash)
                while position & 1 == 0, position != 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                hash = MerkleHashing.node(hash, sibling)
            }
            position >>= 1
            last >>= 1
        }
        guard last == 0 else { throw invalid("inclusion proof is too short") }
        guard hash == root else { throw invalid("inclusion proof does not lead to the root") }
    }

    /// Checks that `leaf` is at `index` in the subtree of the leaves `subtree`, under the subtree's root.
    ///
    /// - Throws: ``LedgerError/Code/proofInvalid``, also for a range that is no subtree.
    package static func verifyInclusion(
        of leaf: TreeHash, at index: UInt64, inSubtree subtree: Range<UInt64>, root: TreeHash, proof: [TreeHash]
    ) throws {
        guard isSubtree(subtree), subtree.contains(index) else {
            throw invalid("leaf \(index) has no inclusion proof in \(subtree)")
        }
        try verifyInclusion(
            of: leaf, at: index - subtree.lowerBound, in: subtree.upperBound - subtree.lowerBound, root: root,
            proof: proof)
    }

    /// Checks that the tree of `newSize` leaves under `newRoot` begins with the tree of `oldSize` leaves under `oldRoot`.
    ///
    /// A tree without leaves is the beginning of any tree: that needs no proof, and gives none.
    /// - Throws: ``LedgerError/Code/proofInvalid``; also for `oldSize` 0.
    /// - Complexity: at most two hashes for each hash of the proof. RFC 9162, section 2.1.4.2.
    package static func verifyConsistency(
        from oldSize: UInt64, _ oldRoot: TreeHash, to newSize: UInt64, _ newRoot: TreeHash, proof: [TreeHash]
    ) throws {
        guard oldSize > 0 else { throw invalid("nothing can be proven from an empty tree") }
        guard oldSize <= newSize else { throw invalid("a tree of \(newSize) cannot extend one of \(oldSize)") }
        try verifyConsistency(ofSubtree: 0..<oldSize, oldRoot, with: newSize, newRoot, proof: proof)
    }

    /// Checks that the leaves `subtree` of the tree of `size` leaves under `root` form a subtree under `subtreeRoot`.
    ///
    /// An empty range is part of every tree; its root is the empty root and its proof is empty.
    /// - Throws: ``LedgerError/Code/proofInvalid``, also for a range that is no subtree.
    package static func verifyConsistency(
        ofSubtree subtree: Range<UInt64>, _ subtreeRoot: TreeHash, with size: UInt64, _ root: TreeHash,
        proof: [TreeHash]
    ) throws {
        guard subtree.upperBound <= size else { throw invalid("\(subtree) is not in a tree of \(size)") }
        guard !subtree.isEmpty else {
            guard proof.isEmpty, subtreeRoot == MerkleHashing.emptyRoot else {
                throw invalid("an empty subtree has the empty root and no proof")
            }
            return
        }
        guard isSubtree(subtree) else { throw invalid("\(subtree) is no subtree") }
        var walk = SubtreeWalk(first: subtree.lowerBound, last: subtree.upperBound - 1, end: size - 1)
        var rest = proof[...]
        let start: TreeHash
        if walk.skipSharedPath() {
            start = subtreeRoot
        } else {
            guard let first = rest.popFirst() else { throw invalid("consistency proof is too short") }
            start = first
        }
        var subtreeHash = start
        var treeHash = start
        for sibling in rest {
            guard walk.end != 0 else { throw invalid("consistency proof is too long") }
            if walk.last & 1 == 1 || walk.last == walk.end {
                if walk.first < walk.last { subtreeHash = MerkleHashing.node(sibling, subtreeHash) }
                treeHash = MerkleHashing.node(sibling, treeHash)
                while walk.last & 1 == 0, walk.last != 0 { walk.rise() }
            } else {
                treeHash = MerkleHashing.node(treeHash, sibling)
            }
            walk.rise()
        }
        guard walk.end == 0 else { throw invalid("consistency proof is too short") }
        guard subtreeHash == subtreeRoot else { throw invalid("consistency proof does not lead to the older root") }
        guard treeHash == root else { throw invalid("consistency proof does not lead to the newer root") }
    }

    /// Whether the leaves of a range are the leaves of one node of some tree: it begins at a multiple of the smallest
    /// power of two that is not below its length.
    package static func isSubtree(_ range: Range<UInt64>) -> Bool {
        guard !range.isEmpty else { return false }
        let length = range.upperBound - range.lowerBound
        let height = UInt64.bitWidth - (length - 1).leadingZeroBitCount
        return height == UInt64.bitWidth ? range.lowerBound == 0 : range.lowerBound & ((1 << UInt64(height)) - 1) == 0
    }

    private static func invalid(_ reason: String) -> LedgerError {
        LedgerError(.proofInvalid, reason)
    }
}

/// The positions of a subtree's first and last node and of the tree's last node, at the height that a walk has reached.
private struct SubtreeWalk {
    var first: UInt64
    var last: UInt64
    var end: UInt64

    mutating func rise() {
        first >>= 1
        last >>= 1
        end >>= 1
    }

    /// Goes up to the first node whose hash the proof has to name.
    ///
    /// - Returns: whether that node is the subtree itself, whose hash the verifier knows.
    mutating func skipSharedPath() -> Bool {
        if last == end {
            while first != last { rise() }
        } else {
            while first != last, last & 1 == 1 { rise() }
        }
        return first == last
    }
}
