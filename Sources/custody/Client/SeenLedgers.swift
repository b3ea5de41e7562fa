import CustodyServer
import DurableFiles
import EventModel
import Ledger
import SystemPackage

/// Demands of every ledger that a command sees that it extends what this account saw of it before: in
/// `$XDG_STATE_HOME/custody` (default `~/.local/state/custody`), `checkpoints/` by ledger and `servers/` by address.
struct SeenLedgers {
    let directory: FilePath
    let context: CommandContext
    private let memory: CheckpointMemory

    /// Nil when there is no place to remember anything in.
    init?(_ context: CommandContext) {
        guard let directory = context.stateDirectory,
            let memory = CheckpointMemory.ofUser(context)
        else { return nil }
        self.directory = directory
        self.memory = memory
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
            throw CommandFailure(
                .integrity,
                "rolled back or rewritten: \(error.reason). What was seen before is in \(memory.path(ofOrigin: key.name)): "
                    + "keep it, it is evidence; docs/witnesses.md, \"When a client refuses a ledger\", has how to go on"
            )
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
    /// - Parameter isLatest: Whether it is the server's latest, so that no other needs to be asked for.
    /// - Throws: ``CommandFailure`` `integrity`; others when the server cannot be asked.
    func check(_ client: ServerClient, handedOut note: [UInt8], isLatest: Bool = false) async throws {
        let served = FetchedTileSource { path in try await client.call(.get, "/ledger/" + path) }
        do {
            let named = try Checkpoint(parsing: try SignedNote(parsing: note).text)
            guard try memory.note(ofOrigin: named.origin) != note else { return }
            var trusted = try memory.key(ofOrigin: named.origin)
            if trusted == nil { trusted = try await Self.key(client) }
            guard let trusted else { return }
            let keys = try await served.keys(after: trusted)
            let signed = try SignedCheckpoint(parsing: note, verifiedBy: keys)
            let source: any TileSource = isLatest ? PinnedTileSource(checkpoint: note, served) : served
            let current = try await source.signer(among: keys)
            if !isLatest {
                _ = try await LedgerVerifier(source: source, key: current).verifyConsistency(with: signed.checkpoint)
            }
            _ = try await check(source, key: current, formerly: keys.filter { $0 != current })
        } catch let error as LedgerError {
            throw CommandFailure(.integrity, "the server's ledger does not hold: \(error.reason)")
        }
    }

    /// The key that the server names itself: it is trusted once, and has to stay what it is.
    private static func key(_ client: ServerClient) async throws -> VerifierKey? {
        let answer = try await client.send(.get, "/ledger/vkey")
        guard answer.isSuccess else { return nil }
        return try VerifierKey(
            parsing: String(decoding: answer.body.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
}

/// A ledger as it is under one checkpoint: whatever is published meanwhile changes nothing.
private struct PinnedTileSource: TileSource {
    private let note: [UInt8]
    private let source: any TileSource

    init(checkpoint note: [UInt8], _ source: any TileSource) {
        self.note = note
        self.source = source
    }

    func checkpoint() async throws -> [UInt8] { note }
    func bytes(_ path: TilePath) async throws -> [UInt8] { try await source.bytes(path) }
    func keyChange(_ number: Int) async throws -> [UInt8]? { try await source.keyChange(number) }
}

extension CheckpointMemory {
    /// What this account's commands have seen of ledgers, or verified as a whole; nil when it has no home.
    static func ofUser(_ context: CommandContext, _ name: String = "checkpoints") -> CheckpointMemory? {
        context.stateDirectory.map {
            CheckpointMemory(directory: $0.appending(name), fileSystem: context.fileSystem)
        }
    }
}
