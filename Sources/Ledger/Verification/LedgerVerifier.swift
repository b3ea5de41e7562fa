/// Verifies a whole log from the outside: hashes every entry, recomputes every tile and the root, and compares all of it
/// with what the source serves and with the signed checkpoint.
///
/// Needs nothing but the log's public key. Whether the log was rewritten as a whole, it cannot know: for that, compare
/// with a checkpoint kept elsewhere, see ``verifyConsistency(with:)``.
package struct LedgerVerifier: Sendable {
    /// Bundles that are fetched and hashed at the same time.
    package static let concurrency = 8

    private let source: any TileSource
    private let key: VerifierKey

    package init(source: any TileSource, key: VerifierKey) {
        self.source = source
        self.key = key
    }

    /// Verifies everything.
    ///
    /// - Parameter known: a checkpoint of this log up to which everything was verified before: the log has to extend it, and
    ///   what it covers is not hashed again.
    /// - Parameter progress: called with the number of entries verified so far, in order.
    /// - Returns: what was found; problems of the log are never thrown.
    /// - Throws: `CancellationError` only.
    /// - Complexity: O(*n*) hashes, each tile and bundle fetched once; holds one tile a level.
    package func verify(
        after known: Checkpoint? = nil, progress: @Sendable (_ entries: UInt64) -> Void = { _ in }
    ) async throws -> LedgerVerification {
        let signed: SignedCheckpoint
        do {
            signed = try SignedCheckpoint(parsing: try await source.checkpoint(), verifiedBy: key)
        } catch {
            try Task.checkCancellation()
            return result(nil, 0, LedgerVerification.Fault(path: "checkpoint", offset: 0, reason: Self.reason(error)))
        }
        var walk = TreeWalk(size: signed.checkpoint.size)
        do {
            if let known, known.size > 0 {
                guard known.origin == signed.checkpoint.origin, known.size <= signed.checkpoint.size else {
                    let reason = "the log has \(signed.checkpoint.size) leaves, \(known.size) were verified before"
                    return result(signed, 0, .init(path: "checkpoint", offset: 0, reason: reason))
                }
                walk = try await TreeWalk(size: signed.checkpoint.size, after: known, source: source)
            }
            try await hashBundles(from: walk.entries / 256, of: signed.checkpoint.size) { bundle, index in
                try await walk.add(bundle, index: index, source: source)
                progress(walk.entries)
            }
            try await walk.finish(source: source)
        } catch let fault as LedgerFault {
            return result(signed, walk.entries, fault.fault)
        }
        let root = walk.root
        guard let mismatch = walk.mismatch else {
            guard root != signed.checkpoint.root else { return result(signed, walk.entries, nil) }
            let rootLine = signed.checkpoint.origin.utf8.count + String(signed.checkpoint.size).utf8.count + 2
            let reason = "the root is not that of the entries and tiles"
            return result(signed, walk.entries, .init(path: "checkpoint", offset: rootLine, reason: reason))
        }
        let guilty = try await FaultSearch(source: source, checkpoint: signed.checkpoint)
            .locate(mismatch, rootMatches: root == signed.checkpoint.root)
        return result(signed, walk.entries, guilty)
    }

    /// Verifies that the source's log extends a checkpoint that was seen before.
    ///
    /// - Returns: the source's checkpoint.
    /// - Throws: ``LedgerError/Code/fork`` when it does not; ``LedgerError/Code/signatureInvalid``.
    package func verifyConsistency(with old: Checkpoint) async throws -> SignedCheckpoint {
        let signed = try SignedCheckpoint(parsing: try await source.checkpoint(), verifiedBy: key)
        let new = signed.checkpoint
        guard old.origin == new.origin, old.size <= new.size else {
            throw LedgerError(.fork, "the log has \(new.size) leaves, the checkpoint seen before has \(old.size)")
        }
        guard old.size > 0 else { return signed }
        let plan = try ProofPlan.consistency(from: old.size, to: new.size)
        var tiles: [TilePath: [TreeHash]] = [:]
        for path in try plan.tiles() {
            tiles[path] = try TreeHash.list(try await source.bytesOrPrefix(path))
        }
        do {
            try MerkleProofs.verifyConsistency(
                from: old.size, old.root, to: new.size, new.root, proof: try plan.hashes(from: tiles))
        } catch {
            throw LedgerError(
                .fork, "the log of \(new.size) leaves does not extend the checkpoint of \(old.size) leaves")
        }
        return signed
    }

    /// Fetches and hashes the bundles, several at a time, and gives them to `body` in order.
    private func hashBundles(
        from first: UInt64, of size: UInt64, _ body: (HashedBundle, UInt64) async throws -> Void
    ) async throws {
        let count = (size + 255) / 256
        try await withThrowingTaskGroup(of: (UInt64, HashedBundle).self) { group in
            var started = first
            var ready: [UInt64: HashedBundle] = [:]
            func startNext() {
                guard started < count, let path = TilePath(.entries, index: started, inTreeOf: size) else { return }
                let index = started
                group.addTask { [source] in (index, await HashedBundle(path, source: source)) }
                started += 1
            }
            for _ in 0..<Self.concurrency { startNext() }
            var next = first
            while next < count, let (index, bundle) = try await group.next() {
                ready[index] = bundle
                while let bundle = ready.removeValue(forKey: next) {
                    try Task.checkCancellation()
                    try await body(bundle, next)
                    next += 1
                    startNext()
                }
            }
            group.cancelAll()
        }
    }

    private func result(
        _ checkpoint: SignedCheckpoint?, _ entries: UInt64, _ fault: LedgerVerification.Fault?
    ) -> LedgerVerification {
        LedgerVerification(checkpoint: checkpoint, entries: entries, fault: fault)
    }

    static func reason(_ error: any Error) -> String {
        (error as? LedgerError)?.reason ?? "\(error)"
    }
}

/// A fault on its way up.
struct LedgerFault: Error {
    let fault: LedgerVerification.Fault

    init(_ path: TilePath, offset: Int, _ reason: String) {
        fault = LedgerVerification.Fault(path: path.description, offset: offset, reason: reason)
    }
}

extension TileSource {
    /// The bytes of a tile; of a partial one that is gone, the beginning of the full one.
    func bytesOrPrefix(_ path: TilePath) async throws -> [UInt8] {
        do {
            return try await bytes(path)
        } catch {
            guard path.isPartial, let full = try? await bytes(path.full) else { throw error }
            switch path.content {
            case .hashes: return Array(full.prefix(path.width * TreeHash.byteCount))
            case .entries: return try EntryBundle.prefix(full, count: path.width)
            }
        }
    }
}
