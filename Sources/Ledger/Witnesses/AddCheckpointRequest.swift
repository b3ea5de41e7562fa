/// The body of `add-checkpoint`: which size the witness cosigned last, a consistency proof from there, and the checkpoint.
/// C2SP `tlog-witness`.
package struct AddCheckpointRequest: Hashable, Sendable {
    /// The most proof lines that a client may send.
    package static let maximumHashes = 63
    /// The largest body that is read: a note, and a proof before it.
    package static let maximumSize = SignedNote.maximumSize + 1 << 13

    /// The size that the witness cosigned last, or 0.
    package let oldSize: UInt64
    /// The consistency proof from there to the checkpoint.
    package let proof: [TreeHash]
    /// The checkpoint's note.
    package let note: SignedNote

    package init(oldSize: UInt64, proof: [TreeHash], note: SignedNote) {
        self.oldSize = oldSize
        self.proof = proof
        self.note = note
    }

    /// Reads a body; verifies nothing.
    ///
    /// - Throws: ``LedgerError/Code/malformed``
    package init(parsing bytes: [UInt8]) throws {
        guard bytes.count <= Self.maximumSize else { throw LedgerError(.malformed, "the body is too large") }
        var rest = bytes[...]
        func line() throws -> Substring {
            guard let end = rest.firstIndex(of: 0x0a) else {
                throw LedgerError(.malformed, "the body ends before its checkpoint")
            }
            guard let text = String(validating: rest[..<end], as: UTF8.self) else {
                throw LedgerError(.malformed, "the body is not UTF-8")
            }
            rest = rest[(end + 1)...]
            return text[...]
        }
        let first = try line()
        guard first.hasPrefix("old "), let oldSize = StrictDecimal.decode(first.dropFirst(4)) else {
            throw LedgerError(.malformed, "the first line is: old SIZE")
        }
        var proof: [TreeHash] = []
        while true {
            let text = try line()
            if text.isEmpty { break }
            guard proof.count < Self.maximumHashes else {
                throw LedgerError(.malformed, "a proof has at most \(Self.maximumHashes) lines")
            }
            guard let hash = StrictBase64.decode(text).flatMap({ TreeHash($0) }) else {
                throw LedgerError(.malformed, "a proof line is no hash")
            }
            proof.append(hash)
        }
        self.init(oldSize: oldSize, proof: proof, note: try SignedNote(parsing: Array(rest)))
    }

    /// The body.
    package var bytes: [UInt8] {
        var text = "old \(oldSize)\n"
        for hash in proof { text += hash.withUnsafeBytes { StrictBase64.encode($0) } + "\n" }
        return Array(text.utf8) + [0x0a] + note.bytes
    }
}
