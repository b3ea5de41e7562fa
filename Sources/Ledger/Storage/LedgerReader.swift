package import DurableFiles
internal import Synchronization
package import SystemPackage

/// The published ledger, for any number of concurrent readers.
///
/// Sees exactly what the latest checkpoint covers. Full tiles never change; a partial tile of any width that the tree has
/// passed stays readable, so clients of every older checkpoint are served.
package final class LedgerReader: TileSource {
    private let tiles: StoredTiles
    private let published: Mutex<SignedCheckpoint?>
    private let layout: LedgerLayout
    private let fileSystem: any FileSystem

    init(layout: LedgerLayout, fileSystem: any FileSystem, published: SignedCheckpoint?) {
        self.layout = layout
        self.fileSystem = fileSystem
        tiles = StoredTiles(columns: ColumnReader(layout: layout, fileSystem: fileSystem))
        self.published = Mutex(published)
    }

    /// Opens a ledger's directory for reading, at the checkpoint that it has now.
    ///
    /// - Throws: ``LedgerError`` when the checkpoint is not the key's.
    package convenience init(directory: FilePath, fileSystem: any FileSystem, key: VerifierKey) throws {
        let layout = LedgerLayout(directory: directory)
        let note = try fileSystem.contents(of: layout.checkpoint)
        self.init(
            layout: layout, fileSystem: fileSystem, published: try SignedCheckpoint(parsing: note, verifiedBy: key))
    }

    /// The latest published checkpoint; `nil` before the first.
    package var latest: SignedCheckpoint? { published.withLock { $0 } }

    /// The number of published leaves.
    package var size: UInt64 { latest?.checkpoint.size ?? 0 }

    func publish(_ checkpoint: SignedCheckpoint) {
        published.withLock { $0 = checkpoint }
    }

    /// The bytes of the checkpoint's note.
    ///
    /// - Throws: ``LedgerError/Code/outOfRange`` before the first is published.
    package func checkpoint() throws -> [UInt8] {
        guard let latest else { throw LedgerError(.outOfRange, "no checkpoint is published yet") }
        return latest.note.bytes
    }

    package func keyChange(_ number: Int) async throws -> [UInt8]? { try storedKeyChange(number) }

    /// A statement of a change of the key, counted from 1; `nil` when there is none of this number.
    package func storedKeyChange(_ number: Int) throws -> [UInt8]? {
        guard (1...KeyChange.maximumChanges).contains(number) else { return nil }
        let path = layout.directory.appending(KeyHistory.path(number))
        return try fileSystem.exists(path) ? try fileSystem.contents(of: path) : nil
    }

    /// The bytes of a tile or entry bundle.
    ///
    /// - Throws: ``LedgerError/Code/outOfRange`` when the published tree has no such tile (an HTTP 404),
    ///   ``LedgerError/Code/corrupt`` when the stored files are damaged.
    /// - Complexity: a tile of level 0 costs 256 hashes, about 0.1 ms; the others are read as they are.
    package func bytes(_ path: TilePath) throws -> [UInt8] {
        try tiles.bytes(path, inTreeOf: size)
    }

    /// The bytes of a hash tile.
    package func tile(level: Int, index: UInt64, width: Int = TilePath.fullWidth) throws -> [UInt8] {
        try bytes(TilePath(.hashes(level: level), index: index, width: width))
    }

    /// The bytes of an entry bundle.
    package func entries(index: UInt64, width: Int = TilePath.fullWidth) throws -> [UInt8] {
        try bytes(TilePath(.entries, index: index, width: width))
    }

    /// The entry of a published leaf.
    ///
    /// - Throws: ``LedgerError/Code/outOfRange``, ``LedgerError/Code/corrupt``
    package func entry(at index: UInt64) throws -> LeafEntry {
        guard index < size, let path = TilePath(.entries, index: index / 256, inTreeOf: size) else {
            throw LedgerError(.outOfRange, "there is no published leaf \(index)")
        }
        return try tiles.entries(path, inTreeOf: size)[Int(index % 256)]
    }

    /// The inclusion proof of a leaf in the published tree, or in an earlier one.
    ///
    /// - Throws: ``LedgerError/Code/outOfRange`` unless `index < size` and `size` is published.
    /// - Complexity: one tile a level.
    package func inclusionProof(of index: UInt64, in size: UInt64) throws -> [TreeHash] {
        try check(size)
        return try tiles.hashes(of: .inclusion(of: index, in: size), inTreeOf: size)
    }

    /// The consistency proof between two published sizes.
    ///
    /// - Throws: ``LedgerError/Code/outOfRange`` unless `0 < oldSize ≤ newSize` and `newSize` is published.
    package func consistencyProof(from oldSize: UInt64, to newSize: UInt64) throws -> [TreeHash] {
        try check(newSize)
        return try tiles.hashes(of: .consistency(from: oldSize, to: newSize), inTreeOf: newSize)
    }

    /// The root of the tree at a published size.
    package func root(of size: UInt64) throws -> TreeHash {
        try check(size)
        return try tiles.hashes(of: .root(of: size), inTreeOf: size).first ?? MerkleHashing.emptyRoot
    }

    /// A leaf's inclusion under the latest checkpoint, as a file that verifies offline.
    ///
    /// - Throws: ``LedgerError/Code/outOfRange`` when no checkpoint covers the leaf yet.
    package func tlogProof(of index: UInt64) throws -> TlogProof {
        guard let latest, index < latest.checkpoint.size else {
            throw LedgerError(.outOfRange, "no checkpoint covers leaf \(index) yet")
        }
        let hashes = try inclusionProof(of: index, in: latest.checkpoint.size)
        return TlogProof(index: index, hashes: hashes, checkpoint: latest.note.bytes)
    }

    /// The inclusion proofs of many leaves in one published tree, in the order of `indexes`. Tiles that several proofs need are
    /// read once.
    ///
    /// - Throws: ``LedgerError/Code/outOfRange`` unless each index is below `size` and `size` is published.
    /// - Complexity: a tile of level 0 for each bundle that has one of the leaves, and the tiles above; holds those above.
    package func inclusionProofs(of indexes: [UInt64], in size: UInt64) throws -> [[TreeHash]] {
        try check(size)
        var proofs = [[TreeHash]](repeating: [], count: indexes.count)
        var cache = TileCache(tiles: tiles, size: size)
        // In the ledger's order, so that a bundle's tile is needed once and can be let go.
        for place in indexes.indices.sorted(by: { indexes[$0] < indexes[$1] }) {
            let plan = try ProofPlan.inclusion(of: indexes[place], in: size)
            proofs[place] = try plan.hashes(from: cache.tiles(of: plan))
        }
        return proofs
    }

    /// The leaves' inclusion under the latest checkpoint, by index, as files that verify offline; without those that it does not
    /// cover yet. See ``inclusionProofs(of:in:)``.
    package func tlogProofs(of indexes: [UInt64]) throws -> [UInt64: TlogProof] {
        guard let latest else { return [:] }
        let covered = indexes.filter { $0 < latest.checkpoint.size }
        let proofs = try inclusionProofs(of: covered, in: latest.checkpoint.size)
        return Dictionary(
            zip(covered, proofs).map {
                ($0, TlogProof(index: $0, hashes: $1, checkpoint: latest.note.bytes))
            }, uniquingKeysWith: { first, _ in first })
    }

    private func check(_ size: UInt64) throws {
        guard size <= self.size else { throw LedgerError(.outOfRange, "no tree of \(size) leaves is published yet") }
    }
}
