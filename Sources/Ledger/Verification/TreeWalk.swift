/// A bundle and the tile of its leaf hashes as a source serves them, fetched and hashed.
struct HashedBundle: Sendable {
    /// The leaf hashes of the bundle's entries, or why there are none.
    let leaves: Result<[TreeHash], LedgerFault>
    /// The level-0 tile, or why there is none.
    let tile: Result<[TreeHash], LedgerFault>

    init(_ path: TilePath, source: any TileSource) async {
        do {
            let bytes = try await source.bytesOrPrefix(path)
            leaves = .success(try EntryBundle.leafHashes(bytes, count: path.width))
        } catch {
            leaves = .failure(LedgerFault(path, offset: 0, LedgerVerifier.reason(error)))
        }
        tile = await Self.tile(.hashes(level: 0), like: path, source: source)
    }

    /// The hashes of a tile as wide as `path`.
    static func tile(
        _ content: TilePath.Content, like path: TilePath, source: any TileSource
    ) async -> Result<[TreeHash], LedgerFault> {
        let tile = path.with(content)
        do {
            let hashes = try TreeHash.list(try await source.bytesOrPrefix(tile))
            guard hashes.count == tile.width else {
                throw LedgerError(.malformed, "the tile has \(hashes.count) hashes, not \(tile.width)")
            }
            return .success(hashes)
        } catch {
            return .failure(LedgerFault(tile, offset: 0, LedgerVerifier.reason(error)))
        }
    }
}

/// Recomputes a tree from its leaves and compares each tile, as soon as it is complete, with the one that is served.
struct TreeWalk {
    /// Where what is computed and what is served differ first: a hash of a tile.
    struct Mismatch {
        let tile: TilePath
        let position: Int
    }

    private let size: UInt64
    private var frontier = TreeFrontier()
    /// Complete tiles of level 1 and above that are not compared yet.
    private var computed: [(tile: TilePath, hashes: [TreeHash])] = []
    private var rows: [[TreeHash]] = []
    private var counts: [UInt64] = []

    /// The first difference, in the order of the walk.
    private(set) var mismatch: Mismatch?
    /// The entries added so far.
    var entries: UInt64 { frontier.size }
    /// The root over them.
    var root: TreeHash { frontier.root }

    init(size: UInt64) {
        self.size = size
    }

    /// A walk that begins behind leaves that are known to be right: from a source's tiles, which have to lead to the root that
    /// was known. It begins at the last full bundle before them.
    ///
    /// - Throws: ``LedgerFault`` when the tiles do not lead to the root, or the source does not give them.
    init(size: UInt64, after known: Checkpoint, source: any TileSource) async throws {
        self.size = size
        var levels: [[TreeHash]] = []
        for level in 0...LedgerLayout.highestLevel {
            let content = TilePath.Content.hashes(level: level)
            let count = TilePath.count(of: content, inTreeOf: known.size)
            let width = Int(count % 256)
            // As wide as the tree has it now: that of the size before may be served no more.
            guard width > 0, let path = TilePath(content, index: count / 256, inTreeOf: size) else {
                levels.append([])
                continue
            }
            levels.append(Array(try await HashedBundle.tile(content, like: path, source: source).get().prefix(width)))
        }
        guard TreeFrontier(size: known.size, levels: levels).root == known.root else {
            throw LedgerFault(
                try TilePath(.hashes(level: 0), index: known.size / 256, width: max(1, Int(known.size % 256))),
                offset: 0,
                "the tiles do not lead to the root of the \(known.size) leaves that were verified before")
        }
        levels[0] = []
        let start = known.size / 256 * 256
        frontier = TreeFrontier(size: start, levels: levels)
        rows = Array(levels.dropFirst())
        counts = (1..<levels.count).map { TilePath.count(of: .hashes(level: $0), inTreeOf: start) / 256 }
    }

    /// Adds the next bundle.
    mutating func add(_ bundle: HashedBundle, index: UInt64, source: any TileSource) async throws {
        let leaves = try bundle.leaves.get()
        guard let path = TilePath(.hashes(level: 0), index: index, inTreeOf: size) else { return }
        try compare(leaves, with: bundle.tile.get(), path)
        var completed: [(level: Int, hash: TreeHash)] = []
        for leaf in leaves {
            frontier.append(leaf) { completed.append(($0, $1)) }
        }
        for (level, hash) in completed { add(hash, level: level) }
        try await compareComputed(source: source)
    }

    /// Compares the partial tiles at the right edge of level 1 and above.
    mutating func finish(source: any TileSource) async throws {
        for level in rows.indices where !rows[level].isEmpty {
            let content = TilePath.Content.hashes(level: level + 1)
            guard let path = TilePath(content, index: counts[level], inTreeOf: size) else { continue }
            computed.append((path, rows[level]))
        }
        try await compareComputed(source: source)
    }

    private mutating func add(_ hash: TreeHash, level: Int) {
        let row = level - 1
        if row == rows.count {
            rows.append([])
            counts.append(0)
        }
        rows[row].append(hash)
        guard rows[row].count == TilePath.fullWidth else { return }
        if let path = TilePath(.hashes(level: level), index: counts[row], inTreeOf: size) {
            computed.append((path, rows[row]))
        }
        counts[row] += 1
        rows[row].removeAll(keepingCapacity: true)
    }

    private mutating func compareComputed(source: any TileSource) async throws {
        for (path, hashes) in computed {
            compare(hashes, with: try await HashedBundle.tile(path.content, like: path, source: source).get(), path)
        }
        computed.removeAll(keepingCapacity: true)
    }

    private mutating func compare(_ computed: [TreeHash], with served: [TreeHash], _ path: TilePath) {
        guard mismatch == nil, let position = zip(computed, served).enumerated().first(where: { $1.0 != $1.1 })?.offset
        else { return }
        mismatch = Mismatch(tile: path, position: position)
    }
}
