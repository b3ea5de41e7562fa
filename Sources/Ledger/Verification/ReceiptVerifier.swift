/// Holds receipts against the log: whether what was promised is there, and came in time.
package struct ReceiptVerifier: Sendable {
    /// What became of a promise.
    package enum Outcome: Hashable, Sendable {
        /// The leaves are in the tree, as the receipt says.
        case kept
        /// The checkpoint does not reach so far, and the time that was promised is not over.
        case pending
        /// The checkpoint does not reach so far, and the time is over.
        case late
        /// Other leaves are in their place.
        case broken
    }

    private let source: any TileSource
    private let checkpoint: Checkpoint
    private let keys: [VerifierKey]

    /// - Parameters:
    ///   - checkpoint: of the source, verified.
    ///   - keys: the keys that the log has, and has had.
    package init(source: any TileSource, checkpoint: Checkpoint, keys: [VerifierKey]) {
        self.source = source
        self.checkpoint = checkpoint
        self.keys = keys
    }

    /// Judges a receipt.
    ///
    /// - Parameter now: milliseconds since 1970: the time at which the checkpoint was the latest.
    /// - Throws: ``LedgerError/Code/malformed`` and ``LedgerError/Code/signatureInvalid`` when it is no receipt of the log;
    ///   what the source throws.
    /// - Complexity: the batch's level-0 tiles, and a hash for each of its leaves.
    package func judge(_ bytes: [UInt8], now: UInt64) async throws -> (Receipt, Outcome) {
        let receipt = try Self.read(bytes, keys)
        let end = receipt.firstIndex + receipt.count
        guard end <= checkpoint.size else {
            let (due, overflow) = receipt.accepted.addingReportingOverflow(receipt.maximumDelay.multiplied(by: 1000))
            return (receipt, overflow || now <= due ? .pending : .late)
        }
        var leaves: [TreeHash] = []
        for tile in receipt.firstIndex / 256...(end - 1) / 256 {
            guard let path = TilePath(.hashes(level: 0), index: tile, inTreeOf: checkpoint.size) else {
                return (receipt, .broken)
            }
            let hashes = try TreeHash.list(try await source.bytesOrPrefix(path))
            let first = max(receipt.firstIndex, tile * 256) - tile * 256
            let last = min(end, (tile + 1) * 256) - tile * 256
            guard UInt64(hashes.count) >= last else {
                throw LedgerError(.malformed, "\(path) has \(hashes.count) hashes")
            }
            leaves += hashes[Int(first)..<Int(last)]
            try await check(tile, hashes)
        }
        return (receipt, MerkleHashing.root(leaves) == receipt.batchRoot ? .kept : .broken)
    }

    /// A tile that a server made up is not the log's: its root has to be a part of the checkpoint's tree.
    private func check(_ tile: UInt64, _ hashes: [TreeHash]) async throws {
        let start = tile * 256
        let first = try ProofPlan.inclusion(of: start, in: checkpoint.size)
        var tiles: [TilePath: [TreeHash]] = [:]
        for path in try first.tiles() {
            tiles[path] = try TreeHash.list(try await source.bytesOrPrefix(path))
        }
        // The proof of the tile's first leaf covers the whole tile, for its siblings are computed from it.
        if let path = TilePath(.hashes(level: 0), index: tile, inTreeOf: checkpoint.size) { tiles[path] = hashes }
        try MerkleProofs.verifyInclusion(
            of: hashes[0], at: start, in: checkpoint.size, root: checkpoint.root, proof: try first.hashes(from: tiles))
    }

    private static func read(_ bytes: [UInt8], _ keys: [VerifierKey]) throws -> Receipt {
        var last = LedgerError(.signatureInvalid, "no key is known")
        for key in keys {
            do {
                return try Receipt(parsing: bytes, verifiedBy: key)
            } catch let error as LedgerError {
                last = error
            }
        }
        throw last
    }
}

extension UInt64 {
    /// Multiplied, at most the largest number.
    fileprivate func multiplied(by factor: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
