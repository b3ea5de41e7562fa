package import DurableFiles
package import SystemPackage

/// What an operator does about a ledger's key and its signer's guard while no server runs: change the key, begin another log
/// where the old one cannot go on, or vouch for a ledger whose guard was lost.
///
/// Every act can be repeated after a crash at any point: the new key is in force only with the last step, and a key that was
/// made and is not in force is taken up again.
package struct SigningOffice: Sendable {
    /// Where the key is, and the next and the previous one beside it.
    package struct Files: Sendable {
        let keys: FilePath

        package init(keys: FilePath) { self.keys = keys }

        package var key: FilePath { keys.appending("ledger.key") }
        /// A key that was made and is not in force yet.
        var next: FilePath { keys.appending("ledger.key.next") }
        /// The key before, while it goes on signing: `until SECONDS`, and the key's line.
        var previous: FilePath { keys.appending("ledger.key.previous") }
    }

    private let files: Files
    private let ledger: FilePath
    private let guardDirectory: FilePath
    private let fileSystem: any FileSystem

    package init(keys: FilePath, ledger: FilePath, guardDirectory: FilePath, fileSystem: any FileSystem) {
        files = Files(keys: keys)
        self.ledger = ledger
        self.guardDirectory = guardDirectory
        self.fileSystem = fileSystem
    }

    /// The key that is in force.
    package func currentKey() throws -> LedgerKey {
        try LedgerKey(parsing: PrivateKeyFile.read(files.key, in: fileSystem))
    }

    /// The key before it and until when (seconds since 1970) it goes on signing; `nil` when there is none.
    package static func previous(
        _ files: Files, fileSystem: any FileSystem
    ) throws -> (key: LedgerKey, until: UInt64)? {
        guard try fileSystem.exists(files.previous) else { return nil }
        let text = try PrivateKeyFile.read(files.previous, in: fileSystem)
        let lines = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        guard lines.count == 2, lines[0].hasPrefix("until "), let until = StrictDecimal.decode(lines[0].dropFirst(6))
        else { throw LedgerError(.malformed, "\(files.previous) does not say until when its key signs") }
        return (try LedgerKey(parsing: lines[1]), until)
    }

    /// The latest published checkpoint, and what the guard remembers.
    package func state() throws -> (published: SignedCheckpoint, memory: SignerGuard.Memory?) {
        let key = try currentKey().verifierKey
        return (
            try reader(key).latest ?? missing(),
            try SignerGuard.memory(of: key.name, in: guardDirectory, fileSystem: fileSystem)
        )
    }

    private func missing() throws -> SignedCheckpoint {
        throw LedgerError(.outOfRange, "no checkpoint is published yet")
    }

    private func reader(_ key: VerifierKey) throws -> LedgerReader {
        try LedgerReader(directory: ledger, fileSystem: fileSystem, key: key)
    }

    /// Has the guard remember the published checkpoint, when it remembers nothing.
    ///
    /// - Returns: the checkpoint.
    /// - Throws: ``LedgerError/Code/fork`` when it remembers something: then it is not lost, and what it says stands.
    package func vouch() throws -> Checkpoint {
        let (published, memory) = try state()
        guard memory == nil else {
            throw LedgerError(
                .fork, "the guard remembers a tree of \(memory?.checkpoint.size ?? 0) leaves: it is not lost")
        }
        try SignerGuard.replace(
            .init(checkpoint: published.checkpoint, key: try currentKey().verifierKey), in: guardDirectory,
            fileSystem: fileSystem)
        return published.checkpoint
    }

    /// Changes the key; the old one goes on signing beside it until a time, in seconds since 1970.
    ///
    /// - Returns: the statement.
    /// - Throws: ``LedgerError`` when the ledger is not what the guard remembers; `DurableFilesError`.
    package func rotate(
        reason: String, now: UInt64, overlapUntil: UInt64, using generator: inout some RandomNumberGenerator
    ) throws -> [UInt8] {
        let old = try currentKey()
        let (published, memory) = try state()
        try checkMemory(memory, published.checkpoint, old.verifierKey)
        let new = try nextKey(named: old.verifierKey.name, using: &generator)
        let change = try statement(old, new, published.checkpoint, reason, now)
        let both = try SignedCheckpoint(signing: published.checkpoint, with: [new, old])
        try fileSystem.writeAtomically(
            published.adding(both.note.signatures).note.bytes, to: LedgerLayout(directory: ledger).checkpoint,
            permissions: .privateFile)
        try SignerGuard.replace(
            .init(checkpoint: memory?.checkpoint ?? published.checkpoint, key: new.verifierKey), in: guardDirectory,
            fileSystem: fileSystem)
        let line = try PrivateKeyFile.read(files.key, in: fileSystem)
        try fileSystem.writeAtomically(
            Array("until \(overlapUntil)\n\(line)".utf8), to: files.previous, permissions: .privateFile)
        try takeInForce()
        return change
    }

    /// Begins another log, of another origin, with the published tree: for a ledger that lost leaves which were under a
    /// signed checkpoint, and could not go on under its origin without contradicting what it signed.
    ///
    /// - Parameter origin: the new log's.
    /// - Returns: the statement.
    package func succeed(
        origin: String, reason: String, now: UInt64, using generator: inout some RandomNumberGenerator
    ) throws -> [UInt8] {
        let old = try currentKey()
        let new = try nextKey(named: origin, using: &generator)
        let layout = LedgerLayout(directory: ledger)
        // After a crash the checkpoint may be the new log's already.
        let published = try SignedCheckpoint(
            parsing: try fileSystem.contents(of: layout.checkpoint), verifiedBy: [old.verifierKey, new.verifierKey])
        let first = Checkpoint(
            origin: new.verifierKey.name, size: published.checkpoint.size, root: published.checkpoint.root)
        let change = try statement(old, new, first, reason, now)
        try SignerGuard.replace(
            .init(checkpoint: first, key: new.verifierKey), in: guardDirectory, fileSystem: fileSystem)
        let retired = files.keys.appending(
            "ledger.key.retired-\(LowercaseHex.encode(VerifierKey.bytes(of: old.verifierKey.keyID)))")
        try old.write(to: retired, in: fileSystem)
        // Leaves beyond the checkpoint may be nowhere else any more, since the journal forgets what the ledger has synchronised:
        // they stay promised, in the new log's name.
        if try fileSystem.exists(layout.head) {
            let head = try Checkpoint(parsing: try fileSystem.contents(of: layout.head))
            let renamed = Checkpoint(origin: new.verifierKey.name, size: head.size, root: head.root)
            try fileSystem.writeAtomically(renamed.text, to: layout.head, permissions: .privateFile)
        }
        if try fileSystem.exists(files.previous) { try fileSystem.remove(files.previous) }
        try fileSystem.writeAtomically(
            try SignedCheckpoint(signing: first, with: new).note.bytes, to: layout.checkpoint,
            permissions: .privateFile)
        try takeInForce()
        return change
    }

    private func checkMemory(
        _ memory: SignerGuard.Memory?, _ published: Checkpoint, _ key: VerifierKey
    ) throws {
        guard let memory else {
            throw LedgerError(.guardLost, "the guard remembers nothing of \(key.name)")
        }
        guard memory.checkpoint.size <= published.size else {
            throw LedgerError(
                .rollback,
                "the guard remembers a tree of \(memory.checkpoint.size) leaves, \(published.size) are published: start the "
                    + "server, wait until it has published, and stop it")
        }
        guard try reader(key).root(of: memory.checkpoint.size) == memory.checkpoint.root else {
            throw LedgerError(.fork, "the ledger does not extend what the guard remembers")
        }
    }

    /// The key that was begun with, or a new one.
    private func nextKey(
        named name: String, using generator: inout some RandomNumberGenerator
    ) throws -> LedgerKey {
        if try fileSystem.exists(files.next) {
            let key = try LedgerKey(parsing: PrivateKeyFile.read(files.next, in: fileSystem))
            if key.verifierKey.name == name { return key }
        }
        let key = try LedgerKey(name: name, using: &generator)
        try key.write(to: files.next, in: fileSystem)
        return key
    }

    /// Puts the statement on record, once.
    private func statement(
        _ old: LedgerKey, _ new: LedgerKey, _ first: Checkpoint, _ reason: String, _ now: UInt64
    ) throws -> [UInt8] {
        let known = try KeyHistory.read(ledger, fileSystem: fileSystem)
        if let begun = known.last, let change = try? KeyChange(parsing: begun), change.new == new.verifierKey {
            return begun
        }
        let change = try KeyChange(
            old: old.verifierKey, new: new.verifierKey, size: first.size, root: first.root, time: now, reason: reason)
        let bytes = try change.signed(by: old, and: new)
        try KeyHistory.add(bytes, to: ledger, fileSystem: fileSystem)
        return bytes
    }

    private func takeInForce() throws {
        try fileSystem.rename(files.next, to: files.key)
        try fileSystem.synchronizeDirectory(files.keys)
    }
}
