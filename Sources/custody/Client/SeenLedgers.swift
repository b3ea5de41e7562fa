import CustodyServer
import DurableFiles
import EventModel
import Ledger
import SystemPackage

/// Demands of every ledger that a command sees that it extends what this machine saw of it before.
struct SeenLedgers {
    private let memory: CheckpointMemory
    private let context: CommandContext

    /// Nil when there is no place to remember anything in.
    init?(_ context: CommandContext) {
        let state = context.variable("XDG_STATE_HOME") ?? context.variable("HOME").map { $0 + "/.local/state" }
        guard let state else { return nil }
        memory = CheckpointMemory(
            directory: FilePath(state).appending("custody").appending("checkpoints"), fileSystem: context.fileSystem)
        self.context = context
    }

    /// Compares a ledger with what was seen of it, and remembers it.
    ///
    /// - Parameter formerly: Keys that the ledger had before `key`, which followed from them.
    /// - Returns: The size that was seen before; nil for the first time, or when it could not be compared, which is said.
    /// - Throws: ``CommandFailure`` `integrity` when it was rolled back or rewritten.
    func check(_ source: any TileSource, key: VerifierKey, formerly: [VerifierKey] = []) async throws -> UInt64? {
        do {
            return try await memory.compare(source, key: key, formerly: formerly)
        } catch let error as LedgerError where error.code == .fork {
            throw CommandFailure(.integrity, "rolled back or rewritten: \(error.reason)")
        } catch let error as DurableFilesError {
            context.console.note("the checkpoint was not remembered: \(error)")
        } catch let error as LedgerError {
            context.console.note("not compared with what was seen here before: \(error)")
        }
        return nil
    }

    /// Compares a server's ledger with what was seen of it, starting from a checkpoint that it has just handed out, which has
    /// to be a part of it too. The key is the one that was remembered, or, for the first time, the one that the server names.
    ///
    /// - Throws: ``CommandFailure`` `integrity`.
    func check(_ client: ServerClient, handedOut note: [UInt8]) async throws {
        let source = FetchedTileSource { path in try await client.call(.get, "/ledger/" + path) }
        do {
            let named = try Checkpoint(parsing: try SignedNote(parsing: note).text)
            var trusted = try memory.key(ofOrigin: named.origin)
            if trusted == nil { trusted = try await Self.key(client) }
            guard let trusted else { return }
            let keys = try await source.keys(after: trusted)
            let signed = try SignedCheckpoint(parsing: note, verifiedBy: keys)
            let current = try await Self.signer(of: source, among: keys)
            _ = try await LedgerVerifier(source: source, key: current).verifyConsistency(with: signed.checkpoint)
            _ = try await check(source, key: current, formerly: keys.filter { $0 != current })
        } catch let error as LedgerError {
            throw CommandFailure(.integrity, "the server's ledger does not hold: \(error.reason)")
        }
    }

    /// Which of a ledger's keys, the newest first, has signed its checkpoint.
    static func signer(of source: any TileSource, among keys: [VerifierKey]) async throws -> VerifierKey {
        let note = try SignedNote(parsing: try await source.checkpoint())
        let signers = try note.verified(by: keys)
        return keys.last { signers.contains($0) } ?? keys[keys.count - 1]
    }

    private static func key(_ client: ServerClient) async throws -> VerifierKey? {
        let answer = try await client.send(.get, "/v1/integrity")
        guard answer.isSuccess else { return nil }
        return try JSONDocument.read(answer.body) { try $0["vkey"]?.string.map { try VerifierKey(parsing: $0.text) } }
    }
}
