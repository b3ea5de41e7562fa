package import DurableFiles
package import SystemPackage

/// The one writer of a ledger: takes entries in order, keeps the tree, publishes checkpoints.
///
/// Owned by one thread. Nothing it takes is durable before ``synchronize()`` or ``publish()`` returns: until then the
/// journal has to keep it. After a restart ``durableSize`` says from which index the journal has to supply entries again.
/// After a `DurableFilesError` of code `syncFailed` the process has to end; the writer takes and publishes nothing more.
package final class LedgerWriter {
    private let layout: LedgerLayout
    private let fileSystem: any FileSystem
    private var signers: [any NoteSigner]
    private let memory: SignerGuard?
    private var frontier: TreeFrontier
    private var columns: PendingColumns
    private var published: SignedCheckpoint?
    private var hasFailed = false

    /// The published ledger, for other threads.
    package let reader: LedgerReader
    /// The number of entries that survive power loss.
    package private(set) var durableSize: UInt64

    /// Opens a ledger, or begins one in a directory that has none.
    ///
    /// What lies beyond the last synchronised size is cut off, for it may be torn. A directory that lost synchronised
    /// entries opens at a smaller ``durableSize``; nothing is published until the entries that are supplied again lead to
    /// the root of the checkpoint.
    /// - Parameters:
    ///   - signer: its key's name is the origin.
    ///   - earlier: keys of the same log that go on signing beside it for a time, while verifiers learn the new one.
    ///   - memory: the signer's own memory of what it signed; without it nothing but the checkpoint in the directory keeps
    ///     it from signing a second history.
    /// - Throws: ``LedgerError/Code/corrupt`` when the stored tree does not have the root of its checkpoint,
    ///   ``LedgerError/Code/signatureInvalid`` when the checkpoint is of another key, `DurableFilesError`.
    package init(
        directory: FilePath, fileSystem: any FileSystem, signer: any NoteSigner, earlier: [any NoteSigner] = [],
        memory: sending SignerGuard? = nil
    ) throws {
        try Checkpoint.check(origin: signer.verifierKey.name)
        precondition(
            earlier.allSatisfy { $0.verifierKey.name == signer.verifierKey.name }, "keys of one log have its name")
        layout = LedgerLayout(directory: directory)
        try fileSystem.createDirectory(layout.entries)
        try fileSystem.createDirectory(layout.levels)
        // A process that was killed may have renamed a checkpoint into place and not made that durable: what is read now
        // must not be undone by power loss later.
        try fileSystem.synchronizeDirectory(directory)
        let keys = ([signer] + earlier).map(\.verifierKey)
        let state = try LedgerRecovery(layout: layout, fileSystem: fileSystem).run(keys: keys)
        self.fileSystem = fileSystem
        signers = [signer] + earlier
        self.memory = memory
        frontier = state.frontier
        columns = PendingColumns(layout: layout, recovered: state)
        published = state.published
        durableSize = state.frontier.size
        // A restored directory can hold less than its checkpoint; readers wait for the rest.
        let isComplete = (published?.checkpoint.size ?? 0) <= durableSize
        reader = LedgerReader(layout: layout, fileSystem: fileSystem, published: isComplete ? published : nil)
    }

    /// The number of entries in the tree, durable or not.
    package var size: UInt64 { frontier.size }

    /// The root over all entries in the tree.
    package var root: TreeHash { frontier.root }

    /// The log's origin.
    package var origin: String { signers[0].verifierKey.name }

    /// Ends the time in which earlier keys sign too.
    package func retireEarlierKeys() { signers.removeLast(signers.count - 1) }

    /// Adds entries from index `first` on. Entries that the ledger has already are compared with what it has.
    ///
    /// - Throws: ``LedgerError/Code/gap`` when `first` is beyond ``size``; ``LedgerError/Code/leafMismatch``, naming the
    ///   index, when an entry differs from the stored one; ``LedgerError/Code/outOfRange`` for an entry that was added
    ///   since the last synchronisation. Then nothing was added.
    /// - Complexity: two hashes an entry; no I/O for new entries.
    package func append(_ entries: [LeafEntry], at first: UInt64) throws {
        try checkUsable()
        guard first <= size else { throw LedgerError(.gap, "entries from index \(first) on leave a gap after \(size)") }
        let known = min(size - first, UInt64(entries.count))
        try compare(entries.prefix(Int(known)), at: first)
        for entry in entries.dropFirst(Int(known)) {
            columns.append(entry)
            frontier.append(entry.leafHash) { columns.complete(level: $0, hash: $1) }
        }
    }

    /// Makes everything that was added survive power loss, without publishing it: for a checkpoint that has to wait for
    /// its witnesses. Returns the durable size.
    @discardableResult
    package func synchronize() throws -> UInt64 {
        try flush()
        if try size > max(published?.checkpoint.size ?? 0, storedHead()) {
            let head = Checkpoint(origin: origin, size: size, root: root)
            try perform { try fileSystem.writeAtomically(head.text, to: layout.head, permissions: .privateFile) }
        }
        durableSize = size
        return durableSize
    }

    /// Publishes everything that was added, when there is news: entries and hashes are written and synchronised, the tree
    /// is checked to extend the last checkpoint, and the new checkpoint is signed and replaces the old one.
    ///
    /// - Returns: the latest checkpoint, new or not.
    /// - Throws: ``LedgerError/Code/fork`` when the tree does not extend the checkpoint before; what the guard throws, see
    ///   ``SignerGuard/check(_:isNew:proof:)``; `DurableFilesError`. No checkpoint is published then.
    /// - Complexity: about five synchronisations, two more with a guard.
    @discardableResult
    package func publish() throws -> SignedCheckpoint {
        if let published, published.checkpoint.size == size, published.checkpoint.root == root {
            try checkUsable()
            return published
        }
        try flush()
        return try replace(with: sign(Checkpoint(origin: origin, size: size, root: root)))
    }

    /// Makes everything that was added durable and signs its checkpoint, without publishing it: its witnesses come first.
    ///
    /// - Returns: the checkpoint to have cosigned; `nil` when everything is published.
    /// - Throws: as ``publish()``.
    package func prepare() throws -> SignedCheckpoint? {
        if let published, published.checkpoint.size == size, published.checkpoint.root == root { return nil }
        try synchronize()
        return try sign(Checkpoint(origin: origin, size: size, root: root))
    }

    /// Publishes a checkpoint of ``prepare()``, with what its witnesses added to it.
    ///
    /// - Throws: ``LedgerError/Code/fork`` when a larger one is published already; `DurableFilesError`.
    @discardableResult
    package func publish(_ cosigned: SignedCheckpoint) throws -> SignedCheckpoint {
        guard cosigned.checkpoint.origin == origin, cosigned.checkpoint.size <= durableSize,
            cosigned.checkpoint.size >= published?.checkpoint.size ?? 0
        else { throw LedgerError(.fork, "only what was prepared last can be published") }
        return try replace(with: cosigned)
    }

    /// Checks the tree as it stands against the guard's memory, when there is nothing to sign.
    ///
    /// - Throws: ``LedgerError/Code/guardLost``, ``LedgerError/Code/rollback``, ``LedgerError/Code/fork``.
    package func checkGuard() throws {
        guard let memory else { return }
        if size > durableSize || published == nil { try flush() }
        let tree = Checkpoint(origin: origin, size: size, root: root)
        try memory.check(tree, isNew: isNew) { try proof(from: $0, to: size) }
    }

    /// The consistency proof between two synchronised sizes, published or not, from the stored files. Of any thread.
    package var proofs: LedgerProofs {
        LedgerProofs(tiles: StoredTiles(columns: ColumnReader(layout: layout, fileSystem: fileSystem)))
    }

    private var isNew: Bool { (published?.checkpoint.size ?? 0) == 0 }

    private func proof(from oldSize: UInt64, to newSize: UInt64) throws -> [TreeHash] {
        try proofs.consistency(from: oldSize, to: newSize)
    }

    /// Signs a tree that is durable: it has to extend the checkpoint before, and what the guard remembers.
    private func sign(_ next: Checkpoint) throws -> SignedCheckpoint {
        try checkUsable()
        try checkExtension(to: next)
        if let memory {
            try memory.check(next, isNew: isNew) { try proof(from: $0, to: next.size) }
            try perform { try memory.remember(next) }
        }
        return try SignedCheckpoint(signing: next, with: signers)
    }

    private func replace(with signed: SignedCheckpoint) throws -> SignedCheckpoint {
        try perform {
            try fileSystem.writeAtomically(signed.note.bytes, to: layout.checkpoint, permissions: .privateFile)
        }
        published = signed
        durableSize = max(durableSize, signed.checkpoint.size)
        reader.publish(signed)
        return signed
    }

    private func flush() throws {
        try signEmptyLog()
        try perform { try columns.flush(to: fileSystem) }
    }

    /// Writes the checkpoint of the empty log before the first entry is written: from then on, entries without a
    /// checkpoint mean that it was taken away, and are never cut off as the torn beginning of a new log.
    private func signEmptyLog() throws {
        guard published == nil else { return }
        _ = try replace(with: sign(Checkpoint(origin: origin, size: 0, root: MerkleHashing.emptyRoot)))
    }

    /// Proves from the stored files, not from memory, that a checkpoint extends the one before it.
    private func checkExtension(to next: Checkpoint) throws {
        guard let last = published?.checkpoint, last.size > 0 else { return }
        guard last.size <= next.size else {
            throw LedgerError(.fork, "the ledger has \(next.size) leaves, fewer than its checkpoint's \(last.size)")
        }
        do {
            try MerkleProofs.verifyConsistency(
                from: last.size, last.root, to: next.size, next.root,
                proof: try proof(from: last.size, to: next.size))
        } catch {
            throw LedgerError(
                .fork, "the tree of \(next.size) leaves does not extend the checkpoint of \(last.size) leaves")
        }
    }

    /// Compares entries with those stored from index `first` on.
    private func compare(_ entries: ArraySlice<LeafEntry>, at first: UInt64) throws {
        guard !entries.isEmpty else { return }
        guard first + UInt64(entries.count) <= durableSize else {
            throw LedgerError(
                .outOfRange, "leaf \(max(first, durableSize)) was added already and is not synchronised yet")
        }
        let tiles = StoredTiles(columns: ColumnReader(layout: layout, fileSystem: fileSystem))
        var bundle: (index: UInt64, entries: [LeafEntry])?
        for (index, entry) in zip(first..., entries) {
            if bundle?.index != index / 256, let path = TilePath(.entries, index: index / 256, inTreeOf: durableSize) {
                bundle = (index / 256, try tiles.entries(path, inTreeOf: durableSize))
            }
            guard bundle?.entries[Int(index % 256)] == entry else {
                throw LedgerError(.leafMismatch, "leaf \(index) differs from the one that the ledger has")
            }
        }
    }

    private func storedHead() throws -> UInt64 {
        guard try fileSystem.exists(layout.head) else { return 0 }
        return try Checkpoint(parsing: try fileSystem.contents(of: layout.head)).size
    }

    private func checkUsable() throws {
        guard !hasFailed else { throw LedgerError(.corrupt, "the disk failed; the ledger has to be opened anew") }
    }

    /// Runs a step that writes. Once a synchronisation failed, what is on the disk is not known any more.
    private func perform(_ step: () throws -> Void) throws {
        try checkUsable()
        do {
            try step()
        } catch let error as DurableFilesError {
            if error.code == .syncFailed { hasFailed = true }
            throw error
        }
    }
}
