/// The right edge of a growing tree: what is needed to add leaves and to know the root, and nothing else.
///
/// Holds one partial tile for each level, so at most 255 hashes a level and eight levels in any tree that fits a machine.
struct TreeFrontier: Sendable {
    /// The number of leaves.
    private(set) var size: UInt64
    /// For each tile level, the hashes of the rightmost tile while it is not full.
    private(set) var levels: [[TreeHash]]

    /// The empty tree.
    init() {
        size = 0
        levels = []
    }

    /// A tree of `size` leaves whose rightmost partial tiles are known.
    init(size: UInt64, levels: [[TreeHash]]) {
        self.size = size
        self.levels = levels
    }

    /// Adds a leaf; `completed` receives the level and hash of each tile that it fills, lowest first.
    ///
    /// - Complexity: 255/256 node hashes a leaf on average.
    mutating func append(_ leaf: TreeHash, completed: (_ level: Int, _ hash: TreeHash) -> Void) {
        size += 1
        var level = 0
        var hash = leaf
        while true {
            if level == levels.count {
                levels.append([])
                levels[level].reserveCapacity(TilePath.fullWidth)
            }
            levels[level].append(hash)
            guard levels[level].count == TilePath.fullWidth else { return }
            hash = MerkleHashing.root(levels[level])
            levels[level].removeAll(keepingCapacity: true)
            level += 1
            completed(level, hash)
        }
    }

    /// The root at the present size.
    ///
    /// - Complexity: at most 255 node hashes a level.
    var root: TreeHash {
        var root: TreeHash?
        for hashes in levels where !hashes.isEmpty {
            // What lies right of this level's hashes is smaller than one of them, so it becomes one more leaf of theirs.
            root = Self.root(hashes, followedBy: root)
        }
        return root ?? MerkleHashing.emptyRoot
    }

    /// The root over complete subtrees of equal height and, right of them, one smaller tree.
    private static func root(_ hashes: [TreeHash], followedBy tail: TreeHash?) -> TreeHash {
        guard let tail else { return MerkleHashing.root(hashes) }
        return MerkleHashing.root(hashes + [tail])
    }
}
