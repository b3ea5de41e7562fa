import EventModel
import Foundation
import Ledger

/// The proof that a record stood in a ledger before leaves of it were lost: what a restore appends a record again with, so
/// that it counts as what it was. docs/format/records.md.
package struct LostRecord: Codable, Sendable, Equatable {
    /// Leaves of the restored ledger. Those that the record names from here on were lost with it and are not meant.
    package var size: UInt64
    /// The root over them, base64.
    package var root: String
    /// That they are the beginning of the lost ledger: a consistency proof from `size` to the checkpoint, base64 hashes.
    package var consistency: [String]
    /// The lost ledger's signed checkpoint.
    package var checkpoint: String
    /// The record as an event of an evidence pack under that checkpoint, with the payload disclosed: one line of JSON.
    package var event: String
    /// The statements by which the restored ledger's key became the one that signed the checkpoint, when it was changed in the
    /// lost part.
    package var keyChanges: [String]?

    /// What is proven of the record.
    struct Proven {
        let index: UInt64
        /// Milliseconds since 1970.
        let received: Int64
        let document: SystemDocument
        let root: TreeHash
    }

    /// Verifies everything but that the restored ledger has the root, which takes the ledger itself.
    ///
    /// - Parameter keys: that may have signed the checkpoint.
    /// - Throws: ``RecordError`` `unauthorized`.
    func proven(by keys: [VerifierKey]) throws -> Proven {
        do {
            let signed = try SignedCheckpoint(
                parsing: Array(checkpoint.utf8), verifiedBy: try keys + followed(from: keys))
            let line = try EvidenceEventReader().line(Array(event.utf8), number: 1, under: signed.checkpoint)
            guard case .event(let index, let entry, let groups) = line, index >= size,
                let payload = groups[FieldGroup.raw.rawValue], let root = Self.hash(root),
                let document = try? JSONDecoder().decode(SystemDocument.self, from: Data(payload)),
                entry.kind == document.type.leafKind
            else { throw RecordError(.malformed, "what it gives as proof is no record") }
            let hashes = consistency.compactMap(Self.hash)
            guard hashes.count == consistency.count else { throw RecordError(.malformed, "its proof is malformed") }
            // As a subtree, since of an empty tree everything is a continuation.
            try MerkleProofs.verifyConsistency(
                ofSubtree: 0..<size, root, with: signed.checkpoint.size, signed.checkpoint.root, proof: hashes)
            return Proven(
                index: index, received: Int64(clamping: entry.received), document: document, root: root)
        } catch let error as RecordError {
            throw error
        } catch {
            throw RecordError(.unauthorized, "that it stood in the lost part of the ledger is not proven: \(error)")
        }
    }

    /// The keys that follow from those that are known, by the statements that are given.
    private func followed(from keys: [VerifierKey]) throws -> [VerifierKey] {
        var followed: [VerifierKey] = []
        for text in keyChanges ?? [] {
            let change = try KeyChange(parsing: Array(text.utf8))
            if change.isRotation, (keys + followed).contains(change.old) { followed.append(change.new) }
        }
        return followed
    }

    private static func hash(_ text: String) -> TreeHash? { Data(base64Encoded: text).flatMap { TreeHash(Array($0)) } }
}
