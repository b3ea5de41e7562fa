/// Text with signatures under it, as C2SP `signed-note` describes: the form of checkpoints and receipts.
///
/// Any number of signatures up to the limit may stand under it: those of unknown keys are ignored, a failing one of a
/// known key makes the whole note invalid.
package struct SignedNote: Hashable, Sendable {
    /// The largest note that is read: room for a checkpoint with the largest signatures of 100 witnesses.
    package static let maximumSize = 1 << 20
    /// The most signatures that are read; the specification asks for at least 16.
    package static let maximumSignatures = 100

    /// One line under a note.
    package struct Signature: Hashable, Sendable {
        /// The name of the key that signed.
        package let name: String
        /// The short identifier of the key, which with the name says which key to try.
        package let keyID: UInt32
        /// The signature itself; its form depends on the key.
        package let bytes: [UInt8]

        package init(name: String, keyID: UInt32, bytes: [UInt8]) {
            self.name = name
            self.keyID = keyID
            self.bytes = bytes
        }
    }

    /// The signed text, with the newline it ends in.
    package let text: [UInt8]
    /// The signatures in their order.
    package var signatures: [Signature]

    /// Signs a text.
    ///
    /// - Precondition: `text` ends in a newline.
    package init(signing text: [UInt8], with signer: any NoteSigner) throws {
        precondition(text.last == 0x0a, "the text of a note ends in a newline")
        let key = signer.verifierKey
        let signature = Signature(name: key.name, keyID: key.keyID, bytes: try signer.signature(over: text))
        self.text = text
        signatures = [signature]
    }

    /// A note of a text and signatures that were made elsewhere.
    ///
    /// - Precondition: `text` ends in a newline.
    package init(text: [UInt8], signatures: [Signature]) {
        precondition(text.last == 0x0a, "the text of a note ends in a newline")
        self.text = text
        self.signatures = signatures
    }

    /// Reads a note; verifies nothing.
    ///
    /// - Throws: ``LedgerError/Code/malformed`` for a note over the limits, not in UTF-8, with control characters other
    ///   than newlines, or with a malformed signature line.
    package init(parsing bytes: [UInt8]) throws {
        guard bytes.count <= Self.maximumSize else { throw LedgerError(.malformed, "the note is too large") }
        guard String(validating: bytes, as: UTF8.self) != nil, bytes.allSatisfy({ $0 >= 0x20 || $0 == 0x0a }) else {
            throw LedgerError(.malformed, "the note has bytes that no note may have")
        }
        // The text may have empty lines of its own: the last one divides.
        guard bytes.last == 0x0a, let division = Self.lastEmptyLine(in: bytes) else {
            throw LedgerError(.malformed, "the note has no signatures")
        }
        text = Array(bytes[..<division])
        signatures = try Signature.list(bytes[(division + 1)...])
    }

    /// The note's bytes: text, empty line, signature lines.
    package var bytes: [UInt8] {
        var bytes = text
        bytes.append(0x0a)
        for signature in signatures {
            bytes.append(contentsOf: signature.line.utf8)
        }
        return bytes
    }

    /// The known keys that signed this text, in the order of their signatures.
    ///
    /// - Throws: ``LedgerError/Code/signatureInvalid`` when a signature of a known key fails, or none is there.
    @discardableResult
    package func verified(by keys: [VerifierKey]) throws -> [VerifierKey] {
        var signers: [VerifierKey] = []
        for signature in signatures {
            guard let key = keys.first(where: { $0.name == signature.name && $0.keyID == signature.keyID }) else {
                continue
            }
            guard key.isValid(signature.bytes, over: text) else {
                throw LedgerError(.signatureInvalid, "the signature of \(key.name) is not valid")
            }
            signers.append(key)
        }
        guard !signers.isEmpty else {
            throw LedgerError(.signatureInvalid, "no known key has signed this note")
        }
        return signers
    }

    /// The index of the newline that is the last empty line, which ends the text before it.
    private static func lastEmptyLine(in bytes: [UInt8]) -> Int? {
        guard bytes.count >= 2 else { return nil }
        return (1..<bytes.count).last { bytes[$0] == 0x0a && bytes[$0 - 1] == 0x0a }
    }
}

extension SignedNote.Signature {
    private static let mark = "— "
    private static let keyIDSize = 4

    /// Reads signature lines, each ended by a newline, as they stand under a note or in a witness' answer.
    ///
    /// - Throws: ``LedgerError/Code/malformed``, also for none and for too many.
    package static func list(_ bytes: ArraySlice<UInt8>) throws -> [Self] {
        guard bytes.last == 0x0a else { throw LedgerError(.malformed, "the last signature line has no end") }
        let lines = bytes.dropLast().split(separator: 0x0a, omittingEmptySubsequences: false)
        guard lines.count <= SignedNote.maximumSignatures else {
            throw LedgerError(.malformed, "the note has too many signatures")
        }
        return try lines.map { try Self(line: $0) }
    }

    private init(line: ArraySlice<UInt8>) throws {
        guard let line = String(validating: line, as: UTF8.self) else {
            throw LedgerError(.malformed, "a signature line is not UTF-8")
        }
        let parts = line.dropFirst(Self.mark.count).split(separator: " ", omittingEmptySubsequences: false)
        guard line.hasPrefix(Self.mark), parts.count == 2, let blob = StrictBase64.decode(parts[1]),
            blob.count > Self.keyIDSize
        else { throw LedgerError(.malformed, "the note has a malformed signature line") }
        try VerifierKey.check(name: String(parts[0]))
        name = String(parts[0])
        keyID = blob.prefix(Self.keyIDSize).reduce(0) { $0 << 8 | UInt32($1) }
        bytes = Array(blob.dropFirst(Self.keyIDSize))
    }

    /// The line, with the newline it ends in.
    package var line: String {
        "\(Self.mark)\(name) \(StrictBase64.encode(VerifierKey.bytes(of: keyID) + bytes))\n"
    }
}
