internal import Crypto
package import DurableFiles
package import SystemPackage

/// The ledger's Ed25519 signing key and the file it lives in.
///
/// The file is one line, `PRIVATE+KEY+<name>+<key id, 8 hex digits>+<base64(0x01 ‖ seed[32])>` and a newline: the form in
/// which the Go note packages keep theirs. Its permissions are 0600.
package struct LedgerKey: NoteSigner {
    private static let seedSize = 32

    package let verifierKey: VerifierKey
    private let seed: [UInt8]
    private let privateKey: Curve25519.Signing.PrivateKey

    /// The key of a 32-byte seed.
    ///
    /// - Throws: ``LedgerError/Code/malformed`` for another length, or for a name that no checkpoint can carry.
    package init(name: String, seed: [UInt8]) throws {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
            throw LedgerError(.malformed, "a signing key's seed has \(Self.seedSize) bytes")
        }
        try Checkpoint.check(origin: name)
        verifierKey = try VerifierKey(name: name, publicKey: Array(key.publicKey.rawRepresentation))
        self.seed = seed
        privateKey = key
    }

    /// A new key from a cryptographic source of randomness.
    package init(name: String, using generator: inout some RandomNumberGenerator) throws {
        try self.init(name: name, seed: (0..<Self.seedSize).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    /// Reads a key from the text of its file.
    ///
    /// - Throws: ``LedgerError/Code/malformed``; the reason never repeats any of the text.
    package init(parsing text: some StringProtocol) throws {
        let file = try PrivateKeyFile(parsing: text, as: .ed25519)
        try self.init(name: file.name, seed: file.seed)
        try file.check(verifierKey)
    }

    /// The text of the key's file. Secret.
    private var fileText: String { PrivateKeyFile.text(of: verifierKey, seed: seed) }

    package func signature(over text: [UInt8]) throws -> [UInt8] {
        Array(try privateKey.signature(for: text))
    }
}

extension LedgerKey {
    /// Reads the key file, or makes a new key and its file when there is none.
    ///
    /// - Parameters:
    ///   - name: called for the log's origin when a key is made; an existing key keeps its own.
    ///   - generator: a cryptographic source of randomness.
    /// - Throws: ``LedgerError/Code/malformed`` for a file that holds no key, `DurableFilesError` for the disk.
    package static func load(
        from path: FilePath, in fileSystem: any FileSystem, orCreateNamed name: () -> String,
        using generator: inout some RandomNumberGenerator
    ) throws -> LedgerKey {
        guard try fileSystem.exists(path) else {
            let key = try LedgerKey(name: name(), using: &generator)
            try key.write(to: path, in: fileSystem)
            return key
        }
        return try LedgerKey(parsing: try PrivateKeyFile.read(path, in: fileSystem))
    }

    /// Writes the key's file, durably and for its owner alone.
    package func write(to path: FilePath, in fileSystem: any FileSystem) throws {
        try fileSystem.writeAtomically(Array(fileText.utf8), to: path, permissions: .privateFile)
    }
}
