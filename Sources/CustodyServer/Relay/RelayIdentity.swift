import Crypto
package import DurableFiles
import Foundation
import Ledger
package import SystemPackage

/// The key pair of a relay or of a server that drains one: X25519, made on first use and kept in one file, 0600.
///
/// Each side is told the public key of the other; nothing secret is carried between the machines.
package struct RelayIdentity: Sendable {
    /// In the directory of keys of a server, and in that of a relay.
    package static let fileName = "relay.key"

    let privateKey: [UInt8]
    package let publicKey: RelayPublicKey

    init(privateKey: [UInt8]) throws {
        let key = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: privateKey)
        self.privateKey = privateKey
        publicKey = RelayPublicKey(bytes: Array(key.publicKey.rawRepresentation))
    }

    /// Reads the key of a directory, or makes one.
    ///
    /// - Throws: ``ConfigurationError`` for a file that holds no key; what the disk throws.
    package static func load(directory: FilePath, fileSystem: any FileSystem) throws -> RelayIdentity {
        let path = directory.appending(fileName)
        try fileSystem.createDirectory(directory)
        if try !fileSystem.exists(path) {
            let bytes = Array(Curve25519.KeyAgreement.PrivateKey().rawRepresentation)
            try fileSystem.writeAtomically(bytes, to: path, permissions: .privateFile)
        }
        do {
            return try RelayIdentity(privateKey: try fileSystem.contents(of: path))
        } catch let error as DurableFilesError {
            throw error
        } catch {
            throw ConfigurationError("\(path) does not hold the 32 bytes of a key")
        }
    }
}

/// The public key of the other side, as people carry it: 32 bytes in base64.
package struct RelayPublicKey: Hashable, Sendable, CustomStringConvertible {
    let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// - Throws: ``ConfigurationError`` for what is no such key.
    package init(_ text: String) throws {
        guard let data = Data(base64Encoded: text), data.count == 32,
            (try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: data)) != nil
        else { throw ConfigurationError("\(text) is no key of a relay or server: 32 bytes in base64") }
        bytes = Array(data)
    }

    package var description: String { Data(bytes).base64EncodedString() }
}

/// What the two sides do with their keys: seal and open deliveries (HPKE, RFC 9180, in its authenticated mode), and prove
/// themselves to one another with a key that both derive.
struct RelayChannel: Sendable {
    /// What the format is called where keys are derived: another format derives other keys.
    private static let name = "custody-relay/1"
    /// Bytes of a sealed delivery beyond those of its text: the encapsulated key and the tag.
    static let overhead = 32 + 16

    private let own: [UInt8]
    private let other: RelayPublicKey
    private let code: [UInt8]

    /// - Parameter isRelay: Both sides have to derive the same key, whoever they are.
    /// - Throws: What a key that is none leads to.
    init(_ identity: RelayIdentity, with other: RelayPublicKey, isRelay: Bool) throws {
        own = identity.privateKey
        self.other = other
        let pair = isRelay ? identity.publicKey.bytes + other.bytes : other.bytes + identity.publicKey.bytes
        let secret = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: own).sharedSecretFromKeyAgreement(
            with: Curve25519.KeyAgreement.PublicKey(rawRepresentation: other.bytes))
        let key = secret.hkdfDerivedSymmetricKey(
            using: SHA256.self, salt: Data(Self.name.utf8), sharedInfo: Data(pair), outputByteCount: 32)
        code = key.withUnsafeBytes { Array($0) }
    }

    private static var suite: HPKE.Ciphersuite { .Curve25519_SHA256_ChachaPoly }

    /// Seals a text so that only the other side opens it, which then knows that this side sealed it.
    func seal(_ text: [UInt8]) throws -> [UInt8] {
        var sender = try HPKE.Sender(
            recipientKey: Curve25519.KeyAgreement.PublicKey(rawRepresentation: other.bytes), ciphersuite: Self.suite,
            info: Data(Self.name.utf8),
            authenticatedBy: Curve25519.KeyAgreement.PrivateKey(rawRepresentation: own))
        let sealed = try sender.seal(text)
        return Array(sender.encapsulatedKey) + Array(sealed)
    }

    /// - Throws: For what the other side did not seal for this one.
    func open(_ sealed: some Collection<UInt8>) throws -> [UInt8] {
        let sealed = Array(sealed)
        guard sealed.count >= Self.overhead else { throw RelayError.malformed("a sealed delivery is too short") }
        var recipient = try HPKE.Recipient(
            privateKey: Curve25519.KeyAgreement.PrivateKey(rawRepresentation: own), ciphersuite: Self.suite,
            info: Data(Self.name.utf8), encapsulatedKey: Data(sealed[..<32]),
            authenticatedBy: Curve25519.KeyAgreement.PublicKey(rawRepresentation: other.bytes))
        return Array(try recipient.open(Array(sealed[32...])))
    }

    /// A code over texts that only the two sides can make, in hexadecimal.
    func proof(_ purpose: String, _ texts: [[UInt8]]) -> String {
        var mac = HMAC<SHA256>(key: SymmetricKey(data: code))
        for text in [Array(purpose.utf8)] + texts {
            // The length before each text keeps two lists from having one code.
            withUnsafeBytes(of: UInt64(text.count).bigEndian) { mac.update(data: Data($0)) }
            mac.update(data: Data(text))
        }
        return LowercaseHex.encode(mac.finalize())
    }

    /// Compares in constant time.
    func isProof(_ text: String, _ purpose: String, _ texts: [[UInt8]]) -> Bool {
        let wanted = Array(proof(purpose, texts).utf8)
        let given = Array(text.utf8)
        guard wanted.count == given.count else { return false }
        return zip(wanted, given).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// What goes wrong between a relay and its server.
enum RelayError: Error, Equatable, CustomStringConvertible {
    /// Bytes are not what they should be.
    case malformed(String)
    /// The spool or its disk has no room.
    case full(String)
    /// The disk can no longer be trusted; the process ends.
    case failed(String)

    var description: String {
        switch self {
        case .malformed(let reason), .full(let reason), .failed(let reason): reason
        }
    }
}
