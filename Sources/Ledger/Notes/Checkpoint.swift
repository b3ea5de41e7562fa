/// The head of a log: its origin, how many leaves it has and their root. C2SP `tlog-checkpoint`.
package struct Checkpoint: Hashable, Sendable {
    /// Which log this is.
    package let origin: String
    /// The number of leaves.
    package let size: UInt64
    /// The root over them.
    package let root: TreeHash

    package init(origin: String, size: UInt64, root: TreeHash) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// Reads a checkpoint's text, the part of a note above its signatures.
    ///
    /// Extension lines of foreign logs are accepted and not kept; ours have none.
    /// - Throws: ``LedgerError/Code/malformed``
    package init(parsing text: [UInt8]) throws {
        guard let text = String(validating: text, as: UTF8.self), text.utf8.last == 0x0a else {
            throw LedgerError(.malformed, "the checkpoint does not end in a newline")
        }
        let lines = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 3, lines.allSatisfy({ !$0.isEmpty }), let size = StrictDecimal.decode(lines[1]),
            let root = StrictBase64.decode(lines[2]).flatMap({ TreeHash($0) })
        else { throw LedgerError(.malformed, "a checkpoint is origin, size and root, a line each") }
        self.init(origin: String(lines[0]), size: size, root: root)
    }

    /// The text that is signed.
    package var text: [UInt8] {
        root.withUnsafeBytes { Array("\(origin)\n\(size)\n\(StrictBase64.encode($0))\n".utf8) }
    }

    /// Checks that a name can be an origin here: what a key name may be, and nothing that a receipt of the same key could
    /// be taken for.
    static func check(origin: String) throws {
        try VerifierKey.check(name: origin)
        guard StrictDecimal.decode(origin) == nil, origin != Receipt.header, origin.utf8.count <= maximumOriginLength
        else {
            throw LedgerError(
                .malformed,
                "an origin is no number, not \"\(Receipt.header)\", and at most \(maximumOriginLength) bytes")
        }
    }

    /// The longest origin: a URL without its scheme fits, and every line stays readable.
    package static let maximumOriginLength = 255
}

/// A checkpoint with the note that carries it, which is what is served.
package struct SignedCheckpoint: Hashable, Sendable {
    /// What the note says.
    package let checkpoint: Checkpoint
    /// The note, with all signatures it has.
    package let note: SignedNote

    /// Signs a checkpoint.
    package init(signing checkpoint: Checkpoint, with signer: any NoteSigner) throws {
        self.checkpoint = checkpoint
        note = try SignedNote(signing: checkpoint.text, with: signer)
    }

    /// Signs a checkpoint with several keys of the log: with a new and an old one while the new one takes over.
    ///
    /// - Precondition: there is a signer.
    package init(signing checkpoint: Checkpoint, with signers: [any NoteSigner]) throws {
        self.checkpoint = checkpoint
        note = SignedNote(
            text: checkpoint.text,
            signatures: try signers.map { try SignedNote(signing: checkpoint.text, with: $0).signatures[0] })
    }

    /// The same checkpoint with further signatures under it; one of the same key is replaced.
    package func adding(_ signatures: [SignedNote.Signature]) -> SignedCheckpoint {
        var note = note
        for signature in signatures {
            note.signatures.removeAll { $0.name == signature.name && $0.keyID == signature.keyID }
            note.signatures.append(signature)
        }
        return SignedCheckpoint(checkpoint: checkpoint, note: note)
    }

    private init(checkpoint: Checkpoint, note: SignedNote) {
        self.checkpoint = checkpoint
        self.note = note
    }

    /// Reads a signed checkpoint of a log that has, or had, several keys; one of them has to have signed it.
    ///
    /// - Throws: ``LedgerError/Code/malformed`` or ``LedgerError/Code/signatureInvalid``
    package init(parsing bytes: [UInt8], verifiedBy keys: [VerifierKey]) throws {
        note = try SignedNote(parsing: bytes)
        checkpoint = try Checkpoint(parsing: note.text)
        let origin = checkpoint.origin
        try note.verified(by: keys.filter { $0.name == origin })
    }

    /// Reads a signed checkpoint and verifies it with the log's key, whose name must be the origin.
    ///
    /// - Throws: ``LedgerError/Code/malformed`` or ``LedgerError/Code/signatureInvalid``
    package init(parsing bytes: [UInt8], verifiedBy key: VerifierKey) throws {
        note = try SignedNote(parsing: bytes)
        try note.verified(by: [key])
        checkpoint = try Checkpoint(parsing: note.text)
        guard checkpoint.origin == key.name else {
            throw LedgerError(.signatureInvalid, "the checkpoint is not of the log \(key.name)")
        }
    }
}
