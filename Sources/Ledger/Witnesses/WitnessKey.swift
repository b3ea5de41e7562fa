internal import Crypto
package import DurableFiles
package import SystemPackage

/// A witness' Ed25519 key and the file it lives in: one line as of ``LedgerKey``, with the type byte 0x04, mode 0600.
package struct WitnessKey: Sendable {
    private static let seedSize = 32

    /// The key that its cosignatures verify with.
    package let verifierKey: VerifierKey
    private let seed: [UInt8]
    private let privateKey: Curve25519.Signing.PrivateKey

    /// The key of a 32-byte seed.
    ///
    /// - Throws: ``LedgerError/Code/malformed`` for another length, or for a name that no note can carry.
    package init(name: String, seed: [UInt8]) throws {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
            throw LedgerError(.malformed, "a signing key's seed has \(Self.seedSize) bytes")
        }
        verifierKey = try VerifierKey(
            name: name, publicKey: Array(key.publicKey.rawRepresentation), type: .cosignature)
        self.seed = seed
        privateKey = key
    }

    /// Reads the key file, or makes a new key and its file when there is none.
    ///
    /// - Parameters:
    ///   - name: called for the witness' name when a key is made; an existing key keeps its own.
    ///   - generator: a cryptographic source of randomness.
    /// - Throws: ``LedgerError/Code/malformed`` for a file that holds no such key, `DurableFilesError` for the disk.
    package static func load(
        from path: FilePath, in fileSystem: any FileSystem, orCreateNamed name: () -> String,
        using generator: inout some RandomNumberGenerator
    ) throws -> WitnessKey {
        if try fileSystem.exists(path) {
            let file = try PrivateKeyFile(parsing: try PrivateKeyFile.read(path, in: fileSystem), as: .cosignature)
            let key = try WitnessKey(name: file.name, seed: file.seed)
            try file.check(key.verifierKey)
            return key
        }
        let seed = (0..<seedSize).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let key = try WitnessKey(name: name(), seed: seed)
        let text = PrivateKeyFile.text(of: key.verifierKey, seed: key.seed)
        try fileSystem.writeAtomically(Array(text.utf8), to: path, permissions: .privateFile)
        return key
    }

    /// The signature line's content under a checkpoint's text.
    ///
    /// - Parameter time: seconds since 1970; never 0, which would say nothing.
    package func cosign(_ text: [UInt8], at time: UInt64) throws -> SignedNote.Signature {
        let signature = try privateKey.signature(for: Cosignature.message(time: time, text: text))
        return SignedNote.Signature(
            name: verifierKey.name, keyID: verifierKey.keyID,
            bytes: Cosignature(time: time, signature: Array(signature)).bytes)
    }
}
