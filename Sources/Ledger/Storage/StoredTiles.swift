internal import DurableFiles

/// Every tile and bundle of a stored tree up to a size, rendered from the columns.
struct StoredTiles: Sendable {
    let columns: ColumnReader

    /// The bytes at a path, in a tree of `size` leaves. A partial tile narrower than what is stored is served too.
    ///
    /// - Throws: ``LedgerError/Code/outOfRange`` when the tree has no such tile, ``LedgerError/Code/corrupt``.
    func bytes(_ path: TilePath, inTreeOf size: UInt64) throws -> [UInt8] {
        switch path.content {
        case .entries: EntryBundle.encode(try entries(path, inTreeOf: size))
        case .hashes: TreeHash.bytes(of: try hashes(path, inTreeOf: size))
        }
    }

    /// The hashes of a tile.
    func hashes(_ path: TilePath, inTreeOf size: UInt64) throws -> [TreeHash] {
        try check(path, inTreeOf: size)
        guard case .hashes(let level) = path.content, level > 0 else {
            return try columns.bundle(path.index, width: path.width).map(\.leafHash)
        }
        let start = path.index * 256
        return try columns.hashes(level: level, start..<start + UInt64(path.width))
    }

    /// The entries of a bundle.
    func entries(_ path: TilePath, inTreeOf size: UInt64) throws -> [LeafEntry] {
        try check(path, inTreeOf: size)
        return try columns.bundle(path.index, width: path.width)
    }

    /// The hashes of a planned proof.
    func hashes(of plan: ProofPlan, inTreeOf size: UInt64) throws -> [TreeHash] {
        var tiles: [TilePath: [TreeHash]] = [:]
        for path in try plan.tiles() {
            tiles[path] = try hashes(path, inTreeOf: size)
        }
        return try plan.hashes(from: tiles)
    }

    private func check(_ path: TilePath, inTreeOf size: UInt64) throws {
        guard let largest = TilePath(path.content, index: path.index, inTreeOf: size), path.width <= largest.width
        else {
            throw LedgerError(.outOfRange, "a tree of \(size) has no \(path)")
        }
    }
}
