import CustodyServer
import DurableFiles
import EventModel
import Foundation
import Ledger
import SystemPackage

/// Which keys are trusted, and what was verified with them before.
extension VerifyCommand {
    static func policy(_ path: String) throws -> WitnessPolicy {
        do {
            return try ServerConfiguration.policy(at: path)
        } catch let error as ConfigurationError {
            throw CommandFailure(.usage, error.description)
        }
    }

    static func key(_ text: String) throws -> VerifierKey {
        let content = FileManager.default.contents(atPath: text).map { String(decoding: $0, as: UTF8.self) } ?? text
        do {
            return try VerifierKey(parsing: content.trimmingCharacters(in: .whitespacesAndNewlines))
        } catch {
            throw CommandFailure(.usage, "\(text) is no verifier key")
        }
    }

    /// The key to trust: the one that was given, or that of the policy's log whose checkpoint this is; nil when neither is.
    static func trusted(
        _ given: VerifierKey?, _ policy: WitnessPolicy?, _ source: some TileSource
    ) async throws -> VerifierKey? {
        if let given { return given }
        guard let policy, !policy.logs.isEmpty else { return nil }
        do {
            let note = try SignedNote(parsing: try await source.checkpoint())
            let origin = try Checkpoint(parsing: note.text).origin
            let keys = policy.logs.compactMap(\.key).filter { $0.name == origin }
            guard let first = keys.first else {
                throw CommandFailure(.integrity, "the policy knows no log \(origin)")
            }
            return (try? note.verified(by: keys))?.first ?? first
        } catch let error as LedgerError {
            throw CommandFailure(.integrity, "the checkpoint cannot be read: \(error.reason)")
        }
    }

    /// The key that signs the source's checkpoint, among those that follow from the one that is trusted.
    static func keys(
        _ trusted: VerifierKey, _ source: any TileSource
    ) async throws -> (current: VerifierKey, former: [VerifierKey]) {
        do {
            let keys = try await source.keys(after: trusted)
            let current = try await source.signer(among: keys)
            return (current, keys.filter { $0 != current })
        } catch let error as LedgerError {
            throw CommandFailure(.integrity, "the checkpoint does not follow from the key: \(error.reason)")
        }
    }

    /// The checkpoint up to which this machine verified everything before, when only the rest is asked for.
    func known(_ key: VerifierKey, _ context: CommandContext) throws -> Checkpoint? {
        guard incremental, let known = try CheckpointMemory.ofUser(context, "verified")?.last(of: key) else {
            return nil
        }
        context.console.note("\(known.size) leaves were verified here before")
        return known
    }
}
