/// Finds out which file is wrong where an entry and the tiles above it disagree.
///
/// The signed root is the judge: a served hash that leads to it is right, so what disagrees with it is wrong.
struct FaultSearch {
    let source: any TileSource
    let checkpoint: Checkpoint

    /// - Parameter rootMatches: whether the entries alone lead to the signed root.
    func locate(_ mismatch: TreeWalk.Mismatch, rootMatches: Bool) async throws -> LedgerVerification.Fault {
        let offset = mismatch.position * TreeHash.byteCount
        guard !rootMatches else {
            return LedgerFault(mismatch.tile, offset: offset, "the hash is not that of what is below it").fault
        }
        guard try await leadsToRoot(mismatch) else {
            return LedgerFault(
                mismatch.tile, offset: offset,
                "the hash is neither that of what is below it nor part of the signed root"
            ).fault
        }
        return await below(mismatch)
    }

    /// Whether the served hash, with its served siblings, leads to the signed root.
    private func leadsToRoot(_ mismatch: TreeWalk.Mismatch) async throws -> Bool {
        guard case .hashes(let level) = mismatch.tile.content else { return false }
        let position = mismatch.tile.index * 256 + UInt64(mismatch.position)
        let plan = ProofPlan.path(ofNodeAt: UInt64(level) * 8, index: position, in: checkpoint.size)
        var tiles: [TilePath: [TreeHash]] = [:]
        for path in try plan.tiles() {
            guard let hashes = try? TreeHash.list(await source.bytesOrPrefix(path)) else { return false }
            tiles[path] = hashes
        }
        guard let served = try? TreeHash.list(await source.bytesOrPrefix(mismatch.tile)),
            let siblings = try? plan.hashes(from: tiles), mismatch.position < served.count
        else { return false }
        return plan.root(from: served[mismatch.position], siblings: siblings) == checkpoint.root
    }

    /// The place below a right hash that does not have it.
    private func below(_ mismatch: TreeWalk.Mismatch) async -> LedgerVerification.Fault {
        guard case .hashes(let level) = mismatch.tile.content, level > 0 else {
            let bundle = mismatch.tile.with(.entries)
            let bytes = (try? await source.bytesOrPrefix(bundle)) ?? []
            let offset = EntryBundle.offset(ofEntry: mismatch.position, in: bytes)
            return LedgerFault(bundle, offset: offset, "the entry is not the one that the log committed to").fault
        }
        let child = mismatch.tile.index * 256 + UInt64(mismatch.position)
        let content: TilePath.Content = level == 1 ? .entries : .hashes(level: level - 1)
        guard let path = try? TilePath(content, index: child) else {
            return LedgerFault(mismatch.tile, offset: 0, "the tile has no tile below it").fault
        }
        return LedgerFault(path, offset: 0, "what is here does not have the hash that the log committed to").fault
    }
}
