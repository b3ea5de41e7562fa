import EventModel
import Foundation
import Ledger

/// The records of a ledger that came after a backup: what a restore has to append again.
struct LaterRecords {
    /// Kinds of leaves that say what may be destroyed, what must not be, and by whom.
    private static let kinds: Set<LeafKind> = [.redaction, .destruction, .retentionPolicy, .hold, .keyChange]

    /// The records that can be appended again, in the order of their leaves.
    private(set) var known: [(leaf: UInt64, document: SystemDocument)] = []
    /// The leaves of those of which nothing but the leaf is known, with their kinds.
    private(set) var unknown: [(leaf: UInt64, kind: LeafKind)] = []

    /// - Parameters:
    ///   - size: Leaves of the backup, which is known to be the beginning of the newer ledger.
    ///   - keys: That of the backup, and those that it was changed for since.
    /// - Throws: `LedgerError`; what reading throws.
    init(of newer: NewerLedger, from size: UInt64, keys: [VerifierKey]) async throws {
        let latest = try SignedCheckpoint(parsing: try await newer.source.checkpoint(), verifiedBy: keys).checkpoint
        let changes = try await newer.source.keyChanges(following: keys)
        let prefix = LedgerPrefix(newer.source, under: latest)
        let root = try await prefix.root(of: size)
        var documents: [UInt64: SystemDocument] = [:]
        for line in newer.lines {
            guard let signed = try? SignedCheckpoint(parsing: line.note, verifiedBy: keys).checkpoint,
                (size...latest.size).contains(signed.size)
            else { continue }
            let lost = LostRecord(
                size: size, root: Self.text(root),
                consistency: try await prefix.consistencyProof(from: size, to: signed.size).map(Self.text),
                checkpoint: String(decoding: line.note, as: UTF8.self),
                event: String(decoding: line.bytes, as: UTF8.self), keyChanges: changes.isEmpty ? nil : changes)
            // Events that are no records, and records that the backup has, prove nothing here.
            guard let proven = try? lost.proven(by: [keys[0]]) else { continue }
            var document = proven.document
            document.lost = lost
            documents[proven.index] = document
        }
        try await prefix.forEachEntry(from: size) { index, entry in
            guard Self.kinds.contains(entry.kind), entry.retentionClass == RetentionClass.records else { return }
            if let document = documents[index] {
                known.append((index, document))
            } else {
                unknown.append((index, entry.kind))
            }
        }
    }

    private static func text(_ hash: TreeHash) -> String { Data(hash.bytes).base64EncodedString() }
}
