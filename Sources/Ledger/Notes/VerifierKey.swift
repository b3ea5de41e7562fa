internal import Crypto

/// The public half of a key that signs notes: `<name>+<key id, 8 hex digits>+<base64(type ‖ public key)>`.
///
/// C2SP `signed-note`, section "Verifier keys". Logs sign with Ed25519 (type 0x01), witnesses cosign with a time beside
/// the signature (type 0x04, C2SP `tlog-cosignature`).
package struct VerifierKey: Hashable, Sendable, CustomStringConvertible {
    /// How a key signs: the type byte before it in a vkey, which its id covers too.
    package enum SignatureType: UInt8, Hashable, Sendable {
        /// Ed25519 over the note's text: the signature of a log.
        case ed25519 = 1
        /// Ed25519 over a time and the note's text: the signature of a witness.
        case cosignature = 4
    }

    private static let publicKeySize = 32
    /// The longest vkey that is looked at.
    package static let maximumLength = 1024

    /// The key's name, for a log its origin.
    package let name: String
    /// The Ed25519 public key, 32 bytes.
    package let publicKey: [UInt8]
    /// What it signs, and how.
    package let type: SignatureType

    /// - Throws: ``LedgerError/Code/malformed`` for a name that a note cannot carry or a key that is not 32 bytes.
    package init(name: String, publicKey: [UInt8], type: SignatureType = .ed25519) throws {
        try Self.check(name: name)
        guard publicKey.count == Self.publicKeySize else {
            throw LedgerError(.malformed, "an ed25519 public key has \(Self.publicKeySize) bytes")
        }
        self.name = name
        self.publicKey = publicKey
        self.type = type
    }

    /// Reads a vkey.
    ///
    /// - Parameter type: what the key has to be for.
    /// - Throws: ``LedgerError/Code/malformed``, also for another signature type and for a key id that does not belong to
    ///   name and key.
    package init(parsing text: some StringProtocol, as type: SignatureType = .ed25519) throws {
        guard text.utf8.count <= Self.maximumLength else {
            throw LedgerError(.malformed, "the verifier key is too long")
        }
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let id = LowercaseHex.decode(parts[1]), id.count == 4,
            let material = StrictBase64.decode(parts[2])
        else { throw LedgerError(.malformed, "a verifier key is name+id+key") }
        guard material.first == type.rawValue else {
            throw LedgerError(
                .malformed,
                type == .ed25519
                    ? "a log's verifier key is ed25519 (type 1)" : "a witness' verifier key is a cosigner's (type 4)")
        }
        try self.init(name: String(parts[0]), publicKey: Array(material.dropFirst()), type: type)
        guard Self.bytes(of: keyID) == id else {
            throw LedgerError(.malformed, "the verifier key's id does not belong to its name and key")
        }
    }

    /// The first four bytes of `SHA-256(name ‖ 0x0A ‖ type ‖ public key)`, big-endian.
    package var keyID: UInt32 {
        var function = SHA256()
        function.update(data: Array(name.utf8) + [0x0a, type.rawValue] + publicKey)
        return function.finalize().withUnsafeBytes { UInt32(bigEndian: $0.loadUnaligned(as: UInt32.self)) }
    }

    package var description: String {
        "\(name)+\(LowercaseHex.encode(Self.bytes(of: keyID)))+\(StrictBase64.encode([type.rawValue] + publicKey))"
    }

    /// Whether `signature` is this key's over `text`.
    package func isValid(_ signature: [UInt8], over text: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        switch type {
        case .ed25519: return key.isValidSignature(signature, for: text)
        case .cosignature:
            guard let cosignature = Cosignature(signature) else { return false }
            return key.isValidSignature(
                cosignature.signature, for: Cosignature.message(time: cosignature.time, text: text))
        }
    }

    static func bytes(of keyID: UInt32) -> [UInt8] {
        withUnsafeBytes(of: keyID.bigEndian) { Array($0) }
    }

    /// Checks that a name can stand in a signature line: not empty, no spaces, no `+`, no control characters.
    static func check(name: String) throws {
        let isAllowed = name.unicodeScalars.allSatisfy {
            !$0.properties.isWhitespace && $0 != "+" && $0.value >= 0x20 && $0.value != 0x7f
        }
        guard !name.isEmpty, isAllowed else {
            throw LedgerError(.malformed, "a key name is not empty and has neither spaces, nor plus, nor controls")
        }
    }
}
