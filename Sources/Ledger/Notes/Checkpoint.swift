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
