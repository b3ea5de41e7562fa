internal import Crypto
internal import CryptoExtras
internal import EventModel
internal import Foundation

/// A key with which others sign.
enum VerifyingKey: Sendable {
    case rsa(_RSA.Signing.PublicKey)
    case p256(P256.Signing.PublicKey)
    case ed25519(Curve25519.Signing.PublicKey)

    enum Algorithm: String, CaseIterable, Sendable {
        case rsaSHA1 = "rsa-sha1"
        case rsaSHA256 = "rsa-sha256"
        case rsaSHA512 = "rsa-sha512"
        case ecdsaSHA256 = "ecdsa-sha256"
        case ed25519

        /// What JSON Web Signatures call it (RFC 7518 §3.1, RFC 8037 §3.1); nil for what no token may be signed with: `none` and
        /// the HMACs, for which a public key would serve as the secret, have no case here at all.
        var tokenName: String? {
            switch self {
            case .rsaSHA256: "RS256"
            case .rsaSHA512: "RS512"
            case .ecdsaSHA256: "ES256"
            case .ed25519: "EdDSA"
            case .rsaSHA1: nil
            }
        }
    }

    /// RSA is PKCS #1 1.5; ECDSA is in the form of JWS (RFC 7518 §3.4) or DER.
    ///
    /// False as well when the key is of another kind than the algorithm.
    func isValid(_ signature: [UInt8], over message: [UInt8], _ algorithm: Algorithm) -> Bool {
        switch (self, algorithm) {
        case (.rsa(let key), .rsaSHA1): isValid(signature, Insecure.SHA1.hash(data: message), key)
        case (.rsa(let key), .rsaSHA256): isValid(signature, SHA256.hash(data: message), key)
        case (.rsa(let key), .rsaSHA512): isValid(signature, SHA512.hash(data: message), key)
        case (.p256(let key), .ecdsaSHA256):
            if let raw = try? P256.Signing.ECDSASignature(rawRepresentation: signature) {
                key.isValidSignature(raw, for: message)
            } else if let der = try? P256.Signing.ECDSASignature(derRepresentation: signature) {
                key.isValidSignature(der, for: message)
            } else {
                false
            }
        case (.ed25519(let key), .ed25519): key.isValidSignature(signature, for: message)
        default: false
        }
    }

    private func isValid(_ signature: [UInt8], _ digest: some Digest, _ key: _RSA.Signing.PublicKey) -> Bool {
        key.isValidSignature(
            _RSA.Signing.RSASignature(rawRepresentation: signature), for: digest, padding: .insecurePKCS1v1_5)
    }

    /// A SubjectPublicKeyInfo in DER. RSA keys of fewer than 2,048 bits are none.
    init?(der: [UInt8]) {
        if let key = try? _RSA.Signing.PublicKey(derRepresentation: der) {
            self = .rsa(key)
        } else if let key = try? P256.Signing.PublicKey(derRepresentation: der) {
            self = .p256(key)
        } else {
            return nil
        }
    }
}

/// What a source is given in place of a secret when its sender signs with a key of its own: a public key in PEM or base64, a
/// JWK, or a JWK set (RFC 7517), beside whose `keys` may stand what else a token has to say: `issuer`, `audience`, `claims`.
package struct VerifyingKeys: Sendable {
    struct Key: Sendable {
        /// `kid`; a set may have several keys of one, of which each counts.
        let id: [UInt8]?
        /// The only algorithm of tokens that it is for, where the set says so.
        let algorithm: [UInt8]?
        let key: VerifyingKey
    }

    private(set) var keys: [Key] = []
    private(set) var issuers: [[UInt8]] = []
    private(set) var audiences: [[UInt8]] = []
    private(set) var claims: [(name: [UInt8], values: [[UInt8]])] = []

    /// Providers rotate between two or three keys; more than this is no key set of one.
    package static let maximumKeys = 32

    /// How many keys can be used.
    package var count: Int { keys.count }

    /// Whether a key has this id.
    package func hasKey(_ id: String) -> Bool {
        let wanted = Array(id.utf8)
        return keys.contains { $0.id == wanted }
    }

    /// Nil when the credential holds no key that can be used.
    package init?(_ credential: [UInt8]) {
        if credential.first == UInt8(ascii: "{") {
            let parser = JSONParser()
            do {
                try credential.withUnsafeBytes { bytes in try parser.withDocument(bytes) { read($0) } }
            } catch {
                return nil
            }
        } else if let key = Self.key(inText: credential) {
            keys = [Key(id: nil, algorithm: nil, key: key)]
        }
        guard !keys.isEmpty else { return nil }
    }

    /// The key set to which a credential points (`jwks_uri`), as a source has it whose issuer changes keys; nil for one that holds keys.
    package static func address(in credential: [UInt8]) -> String? {
        guard credential.first == UInt8(ascii: "{") else { return nil }
        let found = try? credential.withUnsafeBytes { bytes in
            try JSONParser().withDocument(bytes) { $0["keys"] == nil ? $0["jwks_uri"]?.string?.text : nil }
        }
        return found ?? nil
    }

    /// What a credential demands that points to keys, with the keys that were there.
    package init?(_ credential: [UInt8], fetched: VerifyingKeys) {
        do {
            try credential.withUnsafeBytes { bytes in
                try JSONParser().withDocument(bytes) { readDemands($0) }
            }
        } catch {
            return nil
        }
        keys = fetched.keys
    }

    private static func key(inText text: [UInt8]) -> VerifyingKey? {
        var body = String(decoding: text, as: UTF8.self)
        if let begin = body.range(of: "-----BEGIN PUBLIC KEY-----"),
            let end = body.range(of: "-----END PUBLIC KEY-----"),
            begin.upperBound <= end.lowerBound
        {
            body = String(body[begin.upperBound..<end.lowerBound])
        }
        let base64 = body.utf8.filter { $0 > 0x20 }
        return BinaryText.base64(base64).flatMap { VerifyingKey(der: $0) }
    }

    private mutating func read(_ document: JSONValue) {
        if let keys = document["keys"] {
            for key in keys.elements.prefix(Self.maximumKeys) { add(key) }
        } else {
            add(document)
        }
        readDemands(document)
    }

    private mutating func readDemands(_ document: JSONValue) {
        issuers = Self.texts(document["issuer"])
        audiences = Self.texts(document["audience"])
        guard let claims = document["claims"], claims.kind == .object else { return }
        for member in claims.members { self.claims.append((Array(member.key), Self.texts(member.value))) }
    }

    private mutating func add(_ jwk: JSONValue) {
        guard jwk.kind == .object, let type = jwk["kty"]?.string else { return }
        // A key that is for encryption alone verifies nothing (RFC 7517 §4.2).
        if let use = jwk["use"]?.string, !use.hasSameBytes(as: "sig") { return }
        var key: VerifyingKey?
        if type.hasSameBytes(as: "RSA"), let modulus = Self.decoded(jwk["n"]), let exponent = Self.decoded(jwk["e"]) {
            // The library takes any size from numbers; what a PEM may not have, a JWK may not have either.
            if modulus.drop(while: { $0 == 0 }).count >= 256 {
                key = (try? _RSA.Signing.PublicKey(n: modulus, e: exponent)).map { .rsa($0) }
            }
        } else if type.hasSameBytes(as: "OKP"), let x = Self.decoded(jwk["x"]) {
            guard jwk["crv"]?.string?.hasSameBytes(as: "Ed25519") == true else { return }
            key = (try? Curve25519.Signing.PublicKey(rawRepresentation: x)).map { .ed25519($0) }
        } else if type.hasSameBytes(as: "EC"), let x = Self.decoded(jwk["x"]), let y = Self.decoded(jwk["y"]) {
            key = (try? P256.Signing.PublicKey(rawRepresentation: x + y)).map { .p256($0) }
        }
        guard let key else { return }
        keys.append(
            Key(id: jwk["kid"]?.string.map { Array($0) }, algorithm: jwk["alg"]?.string.map { Array($0) }, key: key))
    }

    private static func decoded(_ value: JSONValue?) -> [UInt8]? { value?.string.flatMap { BinaryText.base64($0) } }

    /// A text, or each of several.
    static func texts(_ value: JSONValue?) -> [[UInt8]] {
        guard let value else { return [] }
        if value.kind == .array { return value.elements.compactMap { $0.scalarText } }
        return value.scalarText.map { [$0] } ?? []
    }
}

extension JSONValue {
    /// The text of a string, number or boolean.
    fileprivate var scalarText: [UInt8]? {
        var text: [UInt8] = []
        return appendScalarText(to: &text) ? text : nil
    }

    fileprivate subscript(name: StaticString) -> JSONValue? {
        guard kind == .object else { return nil }
        return self[UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)]
    }
}
