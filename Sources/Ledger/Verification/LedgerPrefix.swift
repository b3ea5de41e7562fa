/// What a log was at an earlier size, read from the tiles that it has under a later checkpoint.
package struct LedgerPrefix: Sendable {
    private let source: any TileSource
    private let total: UInt64

    /// - Parameter checkpoint: The later one; the caller vouches for it.
    package init(_ source: any TileSource, under checkpoint: Checkpoint) {
        self.source = source
        total = checkpoint.size
    }

    /// The root over the first leaves.
    ///
    /// - Throws: ``LedgerError/Code/outOfRange`` beyond the checkpoint; what reading throws.
    package func root(of size: UInt64) async throws -> TreeHash {
        try check(size)
        return try await hashes(of: .root(of: size)).first ?? MerkleHashing.emptyRoot
    }

    /// That the first leaves are the beginning of the first `newSize` ones.
    package func consistencyProof(from oldSize: UInt64, to newSize: UInt64) async throws -> [TreeHash] {
        try check(newSize)
        guard oldSize > 0, oldSize < newSize else { return [] }
        return try await hashes(of: .consistency(from: oldSize, to: newSize))
    }

    /// The entries from a leaf on, in order.
    ///
    /// - Complexity: reads a bundle for each 256 of them.
    package func forEachEntry(from first: UInt64, _ body: (UInt64, LeafEntry) throws -> Void) async throws {
        guard first < total else { return }
        for bundle in first / 256...(total - 1) / 256 {
            guard let path = TilePath(.entries, index: bundle, inTreeOf: total) else { continue }
            let entries = try EntryBundle.decode(try await source.bytesOrPrefix(path), count: path.width)
            for (position, entry) in entries.enumerated() where bundle * 256 + UInt64(position) >= first {
                try body(bundle * 256 + UInt64(position), entry)
            }
        }
    }

    private func check(_ size: UInt64) throws {
        guard size <= total else {
            throw LedgerError(.outOfRange, "\(size) leaves are not under a checkpoint of \(total)")
        }
    }

    private func hashes(of plan: ProofPlan) async throws -> [TreeHash] {
        var tiles: [TilePath: [TreeHash]] = [:]
        for path in try plan.tiles(inTreeOf: total) {
            tiles[path] = try TreeHash.list(try await source.bytesOrPrefix(path))
        }
        return try plan.hashes(from: tiles, inTreeOf: total)
    }
}
