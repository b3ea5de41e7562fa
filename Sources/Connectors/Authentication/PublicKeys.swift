internal import Crypto
internal import CryptoExtras
internal import EventModel
internal import Foundation

/// A key with which others sign.
enum VerifyingKey: Sendable {
    case rsa(_RSA.Signing.PublicKey)
    case p256(P256.Signing.PublicKey)

    enum Algorithm: String, CaseIterable, Sendable {
        case rsaSHA1 = "rsa-sha1"
        case rsaSHA256 = "rsa-sha256"
        case rsaSHA512 = "rsa-sha512"
        case ecdsaSHA256 = "ecdsa-sha256"
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
struct VerifyingKeys: Sendable {
    private(set) var keys: [(id: [UInt8]?, key: VerifyingKey)] = []
    private(set) var issuers: [[UInt8]] = []
    private(set) var audiences: [[UInt8]] = []
    private(set) var claims: [(name: [UInt8], values: [[UInt8]])] = []

    /// Providers rotate between two or three keys; more than this is no key set of one.
    static let maximumKeys = 32

    /// Nil when the credential holds no key that can be used.
    init?(_ credential: [UInt8]) {
        if credential.first == UInt8(ascii: "{") {
            let parser = JSONParser()
            do {
                try credential.withUnsafeBytes { bytes in try parser.withDocument(bytes) { read($0) } }
            } catch {
                return nil
            }
        } else if let key = Self.key(inText: credential) {
            keys = [(nil, key)]
        }
        guard !keys.isEmpty else { return nil }
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
        issuers = Self.texts(document["issuer"])
        audiences = Self.texts(document["audience"])
        guard let claims = document["claims"], claims.kind == .object else { return }
        for member in claims.members { self.claims.append((Array(member.key), Self.texts(member.value))) }
    }

    private mutating func add(_ jwk: JSONValue) {
        guard jwk.kind == .object, let type = jwk["kty"]?.string else { return }
        var key: VerifyingKey?
        if type.hasSameBytes(as: "RSA"), let modulus = Self.decoded(jwk["n"]), let exponent = Self.decoded(jwk["e"]) {
            // The library takes any size from numbers; what a PEM may not have, a JWK may not have either.
            if modulus.drop(while: { $0 == 0 }).count >= 256 {
                key = (try? _RSA.Signing.PublicKey(n: modulus, e: exponent)).map { .rsa($0) }
            }
        } else if type.hasSameBytes(as: "EC"), let x = Self.decoded(jwk["x"]), let y = Self.decoded(jwk["y"]) {
            key = (try? P256.Signing.PublicKey(rawRepresentation: x + y)).map { .p256($0) }
        }
        if let key { keys.append((jwk["kid"]?.string.map { Array($0) }, key)) }
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
