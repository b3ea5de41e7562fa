internal import Crypto
package import DurableFiles
internal import Synchronization
package import SystemPackage

/// An independent party that cosigns a log's checkpoints, each only after it has checked that it extends the one before.
/// C2SP `tlog-witness`.
///
/// Of each log, known by its origin, it keeps the latest checkpoint it cosigned, in `<hex SHA-256 of the origin>.checkpoint`
/// of its directory, written and synchronised before the cosignature leaves. Check and record are one step: requests of
/// all logs go one after the other. After a failed synchronisation it cosigns nothing more, for it does not know what a
/// restart would find.
package final class Witness: Sendable {
    /// What a request is answered.
    package struct Answer: Hashable, Sendable {
        /// An HTTP status.
        package let status: Int
        package let contentType: String
        package let body: [UInt8]

        static func text(_ status: Int, _ reason: String) -> Answer {
            Answer(status: status, contentType: "text/plain; charset=utf-8", body: Array((reason + "\n").utf8))
        }
    }

    /// The media type of a size in an answer of 409.
    package static let sizeType = "text/x.tlog.size"

    private struct State {
        var latest: [String: SignedCheckpoint] = [:]
        var hasFailed = false
    }

    private let directory: FilePath
    private let fileSystem: any FileSystem
    private let key: WitnessKey
    private let logs: [VerifierKey]
    private let now: @Sendable () -> UInt64
    private let state = Mutex(State())

    /// - Parameters:
    ///   - directory: where the checkpoints are kept; made when missing. No two witnesses may share it.
    ///   - logs: the keys of the logs to cosign; several of one name while a log changes its key.
    ///   - now: seconds since 1970.
    /// - Throws: `DurableFilesError`.
    package init(
        directory: FilePath, fileSystem: any FileSystem, key: WitnessKey, logs: [VerifierKey],
        now: @escaping @Sendable () -> UInt64
    ) throws {
        try fileSystem.createDirectory(directory)
        // A process that was killed may have renamed a checkpoint into place and not made that durable.
        try fileSystem.synchronizeDirectory(directory)
        self.directory = directory
        self.fileSystem = fileSystem
        self.key = key
        self.logs = logs
        self.now = now
    }

    /// The key that the cosignatures verify with.
    package var verifierKey: VerifierKey { key.verifierKey }

    /// The origins that are cosigned.
    package var origins: Set<String> { Set(logs.map(\.name)) }

    /// Answers `POST add-checkpoint`: 200 with a signature line, or 400, 403, 404, 409, 422 as the specification says; 500
    /// when the disk failed.
    ///
    /// - Complexity: two synchronisations, about 10 ms; other requests wait meanwhile.
    package func addCheckpoint(_ body: [UInt8]) -> Answer {
        do {
            let request = try AddCheckpointRequest(parsing: body)
            let checkpoint = try Checkpoint(parsing: request.note.text)
            return try state.withLock { try decide(request, checkpoint, &$0) }
        } catch let error as LedgerError where error.code == .malformed {
            return .text(400, error.reason)
        } catch {
            return .text(500, "the witness cannot read or keep its checkpoints")
        }
    }

    /// The latest checkpoint that was cosigned for the log whose origin has this SHA-256, in lowercase hexadecimal, with the
    /// log's signatures and the cosignature; `nil` when there is none.
    package func checkpoint(ofOriginHash hash: String) throws -> [UInt8]? {
        guard let origin = origins.first(where: { Self.hash(of: $0) == hash }) else { return nil }
        return try state.withLock { try latest(of: origin, &$0)?.note.bytes }
    }

    /// Lowercase hexadecimal of an origin's SHA-256.
    package static func hash(of origin: String) -> String {
        LowercaseHex.encode(Array(SHA256.hash(data: Array(origin.utf8))))
    }

    private func decide(
        _ request: AddCheckpointRequest, _ checkpoint: Checkpoint, _ state: inout State
    ) throws -> Answer {
        // What is on the disk may not be durable then, and must not be spoken of.
        guard !state.hasFailed else { throw LedgerError(.corrupt, "the disk failed before") }
        let keys = logs.filter { $0.name == checkpoint.origin }
        guard !keys.isEmpty else { return .text(404, "this witness does not know the log") }
        do {
            try request.note.verified(by: keys)
        } catch {
            return .text(403, "the checkpoint has no valid signature of the log")
        }
        guard request.oldSize <= checkpoint.size else { return .text(400, "the old size is larger than the new one") }
        let known = try latest(of: checkpoint.origin, &state)?.checkpoint
        let size = known?.size ?? 0
        guard request.oldSize == size else {
            return Answer(status: 409, contentType: Self.sizeType, body: Array("\(size)\n".utf8))
        }
        if let refusal = Self.refusal(of: request, checkpoint, known) { return .text(422, refusal) }
        let cosignature = try key.cosign(request.note.text, at: now())
        // Only what this witness has verified goes into what it serves: the log's own signatures.
        let signatures = request.note.signatures.filter { signature in
            keys.contains { $0.name == signature.name && $0.keyID == signature.keyID }
        }
        let note = SignedNote(text: request.note.text, signatures: signatures + [cosignature])
        try keep(SignedCheckpoint(parsing: note.bytes, verifiedBy: keys), &state)
        return Answer(
            status: 200, contentType: "text/plain; charset=utf-8", body: Array(cosignature.line.utf8))
    }

    /// Why a checkpoint does not follow from what was cosigned before; `nil` when it does.
    private static func refusal(
        of request: AddCheckpointRequest, _ checkpoint: Checkpoint, _ known: Checkpoint?
    ) -> String? {
        if checkpoint.size == 0, checkpoint.root != MerkleHashing.emptyRoot {
            return "a log of size 0 has the root of the empty tree"
        }
        guard let known, known.size > 0 else {
            return request.proof.isEmpty ? nil : "nothing is to be proven from size 0"
        }
        do {
            // Equal sizes have an empty proof, and equal roots.
            try MerkleProofs.verifyConsistency(
                from: known.size, known.root, to: checkpoint.size, checkpoint.root, proof: request.proof)
            return nil
        } catch {
            return "the checkpoint does not extend the one of \(known.size) leaves that was cosigned before"
        }
    }

    private func latest(of origin: String, _ state: inout State) throws -> SignedCheckpoint? {
        if let known = state.latest[origin] { return known }
        let path = file(of: origin)
        guard try fileSystem.exists(path) else { return nil }
        // A checkpoint that cannot be read must never look like none: any other tree could then be cosigned.
        let keys = logs.filter { $0.name == origin }
        let signed: SignedCheckpoint
        do {
            signed = try SignedCheckpoint(parsing: try fileSystem.contents(of: path), verifiedBy: keys)
        } catch let error as LedgerError {
            throw LedgerError(.corrupt, "\(path): \(error.reason)")
        }
        state.latest[origin] = signed
        return signed
    }

    private func keep(_ signed: SignedCheckpoint, _ state: inout State) throws {
        do {
            try fileSystem.writeAtomically(signed.note.bytes, to: file(of: signed.checkpoint.origin))
        } catch {
            // The new checkpoint may or may not be there after power loss; a restart looks.
            if (error as? DurableFilesError)?.code != .diskFull { state.hasFailed = true }
            throw error
        }
        state.latest[signed.checkpoint.origin] = signed
    }

    private func file(of origin: String) -> FilePath { directory.appending(Self.hash(of: origin) + ".checkpoint") }
}
