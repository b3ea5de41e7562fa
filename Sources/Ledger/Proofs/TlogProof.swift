/// A leaf's inclusion proof with the checkpoint it leads to, in one text that verifies offline. C2SP `tlog-proof`.
package struct TlogProof: Hashable, Sendable {
    /// The first line.
    package static let header = "c2sp.org/tlog-proof@v1"
    /// The largest proof that is read: a note, its hashes and extra data.
    package static let maximumSize = SignedNote.maximumSize + 1 << 17
    /// The most hashes in a proof: a tree has at most 64 levels above its leaves.
    package static let maximumHashes = 64

    /// Data of the application's own; nothing authenticates it.
    package let extra: [UInt8]?
    /// The leaf's index.
    package let index: UInt64
    /// The inclusion proof, from the leaf's sibling upwards.
    package let hashes: [TreeHash]
    /// The signed checkpoint, byte for byte.
    package let checkpoint: [UInt8]

    package init(index: UInt64, hashes: [TreeHash], checkpoint: [UInt8], extra: [UInt8]? = nil) {
        self.extra = extra
        self.index = index
        self.hashes = hashes
        self.checkpoint = checkpoint
    }

    /// Reads a proof; verifies nothing.
    ///
    /// - Throws: ``LedgerError/Code/malformed``
    package init(parsing bytes: [UInt8]) throws {
        guard bytes.count <= Self.maximumSize, let end = Self.firstEmptyLine(in: bytes), end + 1 < bytes.count else {
            throw LedgerError(.malformed, "the proof has no checkpoint or is too large")
        }
        var lines = String(decoding: bytes[..<(end - 1)], as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)[...]
        guard lines.popFirst() == Self.header[...] else {
            throw LedgerError(.malformed, "the first line of a proof is \(Self.header)")
        }
        extra = try Self.value(of: "extra", in: &lines).map { text in
            guard let extra = StrictBase64.decode(text) else {
                throw LedgerError(.malformed, "the proof's extra data is not base64")
            }
            return extra
        }
        guard let index = Self.value(of: "index", in: &lines).flatMap({ StrictDecimal.decode($0) }) else {
            throw LedgerError(.malformed, "the proof names no index")
        }
        self.index = index
        guard lines.count <= Self.maximumHashes else { throw LedgerError(.malformed, "the proof has too many hashes") }
        hashes = try lines.map { line in
            guard let hash = StrictBase64.decode(line).flatMap({ TreeHash($0) }) else {
                throw LedgerError(.malformed, "the proof has a line that is no hash")
            }
            return hash
        }
        checkpoint = Array(bytes[(end + 1)...])
    }

    /// The proof's text.
    package var bytes: [UInt8] {
        var text = Self.header + "\n"
        if let extra { text += "extra \(StrictBase64.encode(extra))\n" }
        text += "index \(index)\n"
        for hash in hashes {
            text += hash.withUnsafeBytes { StrictBase64.encode($0) } + "\n"
        }
        return Array(text.utf8) + [0x0a] + checkpoint
    }

    /// Checks that the leaf of this hash is in the log of this key, at the proof's index.
    ///
    /// - Returns: the checkpoint that it is under.
    /// - Throws: ``LedgerError/Code/malformed``, ``LedgerError/Code/signatureInvalid`` or
    ///   ``LedgerError/Code/proofInvalid``
    package func verify(leaf: TreeHash, key: VerifierKey) throws -> SignedCheckpoint {
        let signed = try SignedCheckpoint(parsing: checkpoint, verifiedBy: key)
        try MerkleProofs.verifyInclusion(
            of: leaf, at: index, in: signed.checkpoint.size, root: signed.checkpoint.root, proof: hashes)
        return signed
    }

    /// Takes the next line when it begins with a word and a space, and gives what follows these.
    private static func value(of word: String, in lines: inout ArraySlice<Substring>) -> Substring? {
        guard let line = lines.first, line.hasPrefix(word + " ") else { return nil }
        lines.removeFirst()
        return line.dropFirst(word.count + 1)
    }

    /// The index of the newline that is the first empty line.
    private static func firstEmptyLine(in bytes: [UInt8]) -> Int? {
        guard bytes.count >= 2 else { return nil }
        return (1..<bytes.count).first { bytes[$0] == 0x0a && bytes[$0 - 1] == 0x0a }
    }
}
