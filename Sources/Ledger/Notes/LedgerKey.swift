internal import Crypto
package import DurableFiles
package import SystemPackage

/// The ledger's Ed25519 signing key and the file it lives in.
///
/// The file is one line, `PRIVATE+KEY+<name>+<key id, 8 hex digits>+<base64(0x01 ‖ seed[32])>` and a newline: the form in
/// which the Go note packages keep theirs. Its permissions are 0600.
package struct LedgerKey: NoteSigner {
    private static let prefix = "PRIVATE+KEY+"
    private static let seedSize = 32
    /// A key file larger than this is none.
    private static let maximumFileSize = 1024

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
        let parts = text.split(separator: "+", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "PRIVATE", parts[1] == "KEY", parts[4].last == "\n",
            let material = StrictBase64.decode(parts[4].dropLast()), material.first == VerifierKey.ed25519
        else { throw LedgerError(.malformed, "the key file is not in the ledger's format") }
        try self.init(name: String(parts[2]), seed: Array(material.dropFirst()))
        guard LowercaseHex.decode(parts[3]) == VerifierKey.bytes(of: verifierKey.keyID) else {
            throw LedgerError(.malformed, "the key file's id does not belong to its name and key")
        }
    }

    /// The text of the key's file. Secret.
    private var fileText: String {
        let id = LowercaseHex.encode(VerifierKey.bytes(of: verifierKey.keyID))
        return "\(Self.prefix)\(verifierKey.name)+\(id)+\(StrictBase64.encode([VerifierKey.ed25519] + seed))\n"
    }

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
            try fileSystem.writeAtomically(Array(key.fileText.utf8), to: path, permissions: .privateFile)
            return key
        }
        let file = try fileSystem.open(path, .read)
        let size = try file.size()
        guard size <= UInt64(maximumFileSize),
            let text = String(validating: try file.read(at: 0, count: Int(size)), as: UTF8.self)
        else { throw LedgerError(.malformed, "the key file is not in the ledger's format") }
        return try LedgerKey(parsing: text)
    }
}
