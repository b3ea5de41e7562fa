import Crypto
package import Foundation

/// Encrypts what has to be kept in clear: the credentials of sources, without which no HMAC can be checked.
///
/// AES-256-GCM under the key of `keys/secrets.key`, bound to what the value is for, so that rows cannot be swapped. It
/// protects copies of the state database (backups, support bundles), not against who can read the whole data directory.
package struct SecretBox: Sendable {
    package static let keyLength = 32
    private let key: SymmetricKey

    /// - Throws: ``IdentityError`` `unreadableSecret` when the key has not ``keyLength`` bytes.
    package init(key: [UInt8]) throws {
        guard key.count == Self.keyLength else {
            throw IdentityError(
                .unreadableSecret, "keys/secrets.key must hold \(Self.keyLength) bytes, not \(key.count)")
        }
        self.key = SymmetricKey(data: key)
    }

    /// The box of an installation; makes its key at the first start.
    ///
    /// - Parameters:
    ///   - stored: the content of `keys/secrets.key`, nil when there is no such file.
    ///   - keep: writes it durably (0600).
    package init(
        stored: [UInt8]?, random: RandomBytes = SecretAlphabet.systemRandom, keep: ([UInt8]) throws -> Void
    ) throws {
        if let stored {
            try self.init(key: stored)
        } else {
            let key = random(Self.keyLength)
            try keep(key)
            try self.init(key: key)
        }
    }

    package func seal(_ secret: [UInt8], for purpose: String) throws -> Data {
        let box = try AES.GCM.seal(secret, using: key, authenticating: Array(purpose.utf8))
        guard let combined = box.combined else { throw IdentityError(.unreadableSecret, "a secret cannot be sealed") }
        return combined
    }

    package func open(_ sealed: Data, for purpose: String) throws -> [UInt8] {
        do {
            let box = try AES.GCM.SealedBox(combined: sealed)
            return Array(try AES.GCM.open(box, using: key, authenticating: Array(purpose.utf8)))
        } catch {
            throw IdentityError(
                .unreadableSecret,
                "the secret of \(purpose) cannot be read with keys/secrets.key: restore the key that belongs to this state.db"
            )
        }
    }
}
