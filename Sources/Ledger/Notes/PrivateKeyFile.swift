internal import DurableFiles
internal import SystemPackage

/// The one line in which a signing key is kept: `PRIVATE+KEY+<name>+<key id>+<base64(type ‖ seed[32])>` and a newline.
struct PrivateKeyFile {
    private static let prefix = "PRIVATE+KEY+"
    /// A key file larger than this is none.
    private static let maximumSize = 1024

    let name: String
    let seed: [UInt8]
    private let id: [UInt8]

    /// - Throws: ``LedgerError/Code/malformed``; the reason never repeats any of the text.
    init(parsing text: some StringProtocol, as type: VerifierKey.SignatureType) throws {
        let parts = text.split(separator: "+", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "PRIVATE", parts[1] == "KEY", parts[4].last == "\n",
            let material = StrictBase64.decode(parts[4].dropLast()), material.first == type.rawValue,
            let id = LowercaseHex.decode(parts[3])
        else { throw LedgerError(.malformed, "the key file is not in the ledger's format") }
        name = String(parts[2])
        seed = Array(material.dropFirst())
        self.id = id
    }

    /// Reads the text of a key's file.
    static func read(_ path: FilePath, in fileSystem: any FileSystem) throws -> String {
        let file = try fileSystem.open(path, .read)
        let size = try file.size()
        guard size <= UInt64(maximumSize),
            let text = String(validating: try file.read(at: 0, count: Int(size)), as: UTF8.self)
        else { throw LedgerError(.malformed, "the key file is not in the ledger's format") }
        return text
    }

    /// The text of a key's file. Secret.
    static func text(of key: VerifierKey, seed: [UInt8]) -> String {
        let id = LowercaseHex.encode(VerifierKey.bytes(of: key.keyID))
        return "\(prefix)\(key.name)+\(id)+\(StrictBase64.encode([key.type.rawValue] + seed))\n"
    }

    /// Checks that the file's key id is that of the key made from it.
    func check(_ key: VerifierKey) throws {
        guard id == VerifierKey.bytes(of: key.keyID) else {
            throw LedgerError(.malformed, "the key file's id does not belong to its name and key")
        }
    }
}
