import Crypto
import DurableFiles
import EventModel
import Foundation
import SystemPackage

/// Batches that wait for one server and source, on disk.
///
///     SPOOL/<16 hex digits of the target>/target            the server's URL and the source, for people
///     SPOOL/…/<nanoseconds>-<entries>-<key>.ndjson|json     one batch: the body as it will be sent
///     SPOOL/…/refused/…                                     batches that the server will never take
///
/// A batch is there whole or not at all, also after power loss. It keeps its idempotency key, so that sending it again
/// after a lost answer does not double its events.
struct Spool: Sendable {
    struct Entry: Hashable, Sendable {
        let name: String
        let read: Timestamp
        let entries: Int
        let key: String
        let form: PushBatch.Form
    }

    let directory: FilePath
    private let fileSystem: any FileSystem
    private let target: String

    init(root: FilePath, server: String, source: String?, fileSystem: any FileSystem) {
        self.fileSystem = fileSystem
        target = server + "\n" + (source ?? "") + "\n"
        let digest = SHA256.hash(data: Data(target.utf8)).prefix(8)
        let name = digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        directory = root.appending(name)
    }

    /// `CUSTODY_SPOOL`, else `$XDG_STATE_HOME/custody/spool`, else `~/.local/state/custody/spool`.
    static func root(_ context: CommandContext) -> FilePath {
        if let path = context.variable("CUSTODY_SPOOL") { return FilePath(path) }
        return (context.stateDirectory ?? ".local/state/custody").appending("spool")
    }

    /// Keeps a batch durably.
    ///
    /// - Returns: Where it waits now.
    /// - Throws: ``CommandFailure`` `unreachable`: the batch is neither sent nor kept.
    @discardableResult
    func add(_ batch: PushBatch) throws -> Entry {
        let time = String(batch.read.nanoseconds)
        let name =
            String(repeating: "0", count: max(0, 19 - time.utf8.count)) + time
            + "-\(batch.entries)-\(batch.key).\(batch.form.rawValue)"
        do {
            try fileSystem.createDirectory(directory)
            let note = directory.appending("target")
            if try !fileSystem.exists(note) { try fileSystem.writeAtomically(Array(target.utf8), to: note) }
            try fileSystem.writeAtomically(batch.body, to: directory.appending(name))
        } catch {
            throw CommandFailure(.unreachable, "the spool cannot keep a batch: \(error)")
        }
        return Entry(name: name, read: batch.read, entries: batch.entries, key: batch.key, form: batch.form)
    }

    /// The batches that wait, oldest first. What else lies in the directory is left alone.
    func pending() throws -> [Entry] {
        guard try fileSystem.exists(directory) else { return [] }
        return try fileSystem.list(directory).compactMap(Self.entry)
    }

    func batch(_ entry: Entry) throws -> PushBatch {
        PushBatch(
            body: try fileSystem.contents(of: directory.appending(entry.name)), form: entry.form,
            entries: entry.entries, read: entry.read, key: entry.key, origin: nil)
    }

    /// Forgets a batch that the server has acknowledged. If power loss brings it back, its key keeps it from doubling.
    func remove(_ entry: Entry) throws { try fileSystem.remove(directory.appending(entry.name)) }

    /// Puts a batch that will never be accepted out of the way, so that it does not block the others, and keeps it.
    func setAside(_ entry: Entry) throws -> FilePath {
        let refused = directory.appending("refused")
        try fileSystem.createDirectory(refused)
        let path = refused.appending(entry.name)
        try fileSystem.rename(directory.appending(entry.name), to: path)
        try fileSystem.synchronizeDirectory(refused)
        return path
    }

    /// The right to send what waits; nil while another push has it.
    func lock() throws -> DirectoryLock? {
        do {
            return try fileSystem.lock(directory: directory)
        } catch let error as DurableFilesError where error.code == .directoryLocked {
            return nil
        }
    }

    private static func entry(_ name: String) -> Entry? {
        let parts = name.split(separator: ".", maxSplits: 1)
        let fields = parts[0].split(separator: "-")
        guard parts.count == 2, fields.count == 3, let form = PushBatch.Form(rawValue: String(parts[1])),
            let read = Int64(fields[0]), let entries = Int(fields[1])
        else { return nil }
        return Entry(name: name, read: Timestamp(rawValue: read), entries: entries, key: String(fields[2]), form: form)
    }
}
