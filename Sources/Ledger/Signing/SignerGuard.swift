package import DurableFiles
package import SystemPackage

/// The signer's own memory of the last tree it signed, kept away from the ledger and its backups.
///
/// A directory of the guard's holds, for each log, `<hex SHA-256 of the origin>/signed`. Before anything is signed, the new
/// tree has to extend the remembered one; then it is remembered, synchronised, and only then signed. So a data directory
/// that was restored from a backup, copied, or rolled back together with everything in it can make no second history: the
/// signature is refused. The directory of a log is locked while a server uses it, so that two servers on copies of one
/// data directory are told apart too.
///
/// Owned by one thread.
package final class SignerGuard {
    /// The first line of the file.
    static let header = "custody-guard/1"

    /// What a guard remembers.
    package struct Memory: Hashable, Sendable {
        /// The last tree that was to be signed.
        package let checkpoint: Checkpoint
        /// The key that signed it.
        package let key: VerifierKey

        package init(checkpoint: Checkpoint, key: VerifierKey) {
            self.checkpoint = checkpoint
            self.key = key
        }
    }

    private let directory: FilePath
    private let fileSystem: any FileSystem
    private let lock: DirectoryLock?
    private let key: VerifierKey
    /// Why nothing may be signed for as long as this process runs.
    private let refusal: LedgerError?
    private(set) var memory: Memory?

    /// The place of a log's memory below a guard directory.
    package static func directory(of origin: String, in parent: FilePath) -> FilePath {
        parent.appending(Witness.hash(of: origin))
    }

    /// Opens the memory of a log and locks it. When another process holds it, or what is there is no memory, every
    /// ``check(_:isNew:proof:)`` refuses: the server that asks can then still take events.
    ///
    /// - Parameters:
    ///   - directory: of all logs' guards; made when missing.
    ///   - key: the log's key.
    /// - Throws: `DurableFilesError`.
    package init(directory parent: FilePath, fileSystem: any FileSystem, key: VerifierKey) throws {
        directory = Self.directory(of: key.name, in: parent)
        self.fileSystem = fileSystem
        self.key = key
        try fileSystem.createDirectory(directory)
        // What is read must not be undone by power loss later.
        try fileSystem.synchronizeDirectory(directory)
        do {
            lock = try fileSystem.lock(directory: directory)
        } catch let error as DurableFilesError where error.code == .directoryLocked {
            lock = nil
            refusal = LedgerError(
                .guardLost, "another process signs for \(key.name): two servers run on copies of one data directory")
            return
        }
        do {
            memory = try Self.read(directory, fileSystem)
            refusal = nil
        } catch let error as LedgerError {
            refusal = LedgerError(.guardLost, error.reason)
        }
    }

    /// What is remembered of a log; `nil` when nothing is. Takes no lock.
    package static func memory(
        of origin: String, in parent: FilePath, fileSystem: any FileSystem
    ) throws -> Memory? {
        try read(directory(of: origin, in: parent), fileSystem)
    }

    /// Checks that a tree may be signed, without remembering it.
    ///
    /// - Parameters:
    ///   - isNew: whether the log has never published anything: then nothing can be remembered, and that is right.
    ///   - proof: gives the consistency proof to `next` from a smaller size, read from the stored tree.
    /// - Throws: ``LedgerError/Code/guardLost``, ``LedgerError/Code/rollback``, ``LedgerError/Code/fork``.
    package func check(
        _ next: Checkpoint, isNew: Bool, proof: (_ oldSize: UInt64) throws -> [TreeHash]
    ) throws {
        if let refusal { throw refusal }
        guard let memory else {
            guard isNew else {
                throw LedgerError(
                    .guardLost,
                    "the signer's guard remembers nothing of \(next.origin), which has published a checkpoint")
            }
            return
        }
        guard memory.key == key else {
            throw LedgerError(.fork, "the guard remembers another key of \(next.origin): \(memory.key)")
        }
        let last = memory.checkpoint
        guard last.size <= next.size else {
            throw LedgerError(
                .rollback, "a tree of \(last.size) leaves was signed before; this one has \(next.size)")
        }
        do {
            if last.size == 0 { return }
            try MerkleProofs.verifyConsistency(
                from: last.size, last.root, to: next.size, next.root,
                proof: last.size == next.size ? [] : try proof(last.size))
        } catch let error as LedgerError where error.code == .proofInvalid {
            throw LedgerError(
                .fork, "the tree of \(next.size) leaves does not extend the tree of \(last.size) leaves signed before")
        }
    }

    /// Remembers a tree that is about to be signed; durable when it returns.
    package func remember(_ next: Checkpoint) throws {
        guard memory?.checkpoint != next else { return }
        let memory = Memory(checkpoint: next, key: key)
        try Self.write(memory, to: directory, fileSystem)
        self.memory = memory
    }

    /// Replaces what is remembered of a log, for an operator who has found out why it is missing, or who changes the key.
    package static func replace(_ memory: Memory, in parent: FilePath, fileSystem: any FileSystem) throws {
        let directory = directory(of: memory.checkpoint.origin, in: parent)
        try fileSystem.createDirectory(directory)
        let lock = try fileSystem.lock(directory: directory)
        try withExtendedLifetime(lock) { try write(memory, to: directory, fileSystem) }
    }

    private static func write(_ memory: Memory, to directory: FilePath, _ fileSystem: any FileSystem) throws {
        let text = Array("\(header)\n\(memory.key)\n".utf8) + memory.checkpoint.text
        try fileSystem.writeAtomically(text, to: directory.appending("signed"), permissions: .privateFile)
    }

    private static func read(_ directory: FilePath, _ fileSystem: any FileSystem) throws -> Memory? {
        let path = directory.appending("signed")
        guard try fileSystem.exists(path) else { return nil }
        let lines = try fileSystem.contents(of: path).split(
            separator: 0x0a, maxSplits: 2, omittingEmptySubsequences: false)
        guard lines.count == 3, String(decoding: lines[0], as: UTF8.self) == header,
            let key = try? VerifierKey(parsing: String(decoding: lines[1], as: UTF8.self)),
            let checkpoint = try? Checkpoint(parsing: Array(lines[2])), checkpoint.origin == key.name
        else { throw LedgerError(.malformed, "\(path) is no memory of a signer's guard") }
        return Memory(checkpoint: checkpoint, key: key)
    }
}
