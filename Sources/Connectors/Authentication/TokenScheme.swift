internal import EventModel

/// A JSON Web Token (RFC 7519) in a header, signed RS256, RS512, ES256 or EdDSA (RFC 7515, 7518, 8037) with a key that the source knows.
///
/// `exp` must be there and not have passed; issuer and audience must be told by the connector or by the source's credential, so
/// that no token which was made for somebody else is good here. The token says who sent the delivery; it does not cover the
/// body, and it can be used again until it expires.
struct JSONWebTokenScheme: Sendable {
    var header: [UInt8]
    var prefix: [UInt8] = []
    var issuers: [[UInt8]] = []
    var audiences: [[UInt8]] = []
    var claims: [(name: [UInt8], values: [[UInt8]])] = []

    /// How far the clocks of both ends may differ, in seconds.
    static let leewaySeconds: Int64 = 60
    /// Tokens of every provider that we know have less than a quarter of this.
    static let maximumBytes = 16_384

    /// - Parameter credential: Whose secrets are key sets, or point to some. See ``VerifyingKeys``.
    /// - Throws: ``ConnectorError``.
    func verify(_ value: [UInt8], credential: SourceCredential, now: Timestamp) throws {
        guard value.count <= Self.maximumBytes else {
            throw ConnectorError(.badSignature, "a token has at most \(Self.maximumBytes) bytes")
        }
        let sets = credential.secrets.compactMap { VerifyingKeys($0) } + credential.keySets
        guard !sets.isEmpty else {
            throw ConnectorError(.missingCredential, "the source's secret is no public key and no key set")
        }
        let token = try JSONWebToken(value[prefix.count...], allowed: Self.algorithms)
        var failure = ConnectorError(.badSignature, "no key of the source made the token's signature")
        for set in sets where token.isSigned(by: set) {
            do {
                return try check(token.claims, set, now)
            } catch let error as ConnectorError {
                failure = error
            }
        }
        throw failure
    }

    /// The key that a token in such a header names.
    func keyID(of value: [UInt8]) -> String? {
        guard value.count <= Self.maximumBytes, Secrets.hasPrefix(value, prefix) else { return nil }
        let token = try? JSONWebToken(value[prefix.count...], allowed: Self.algorithms)
        return token?.keyID.flatMap { String(validating: $0, as: UTF8.self) }
    }

    private static let algorithms: Set<VerifyingKey.Algorithm> = [.rsaSHA256, .rsaSHA512, .ecdsaSHA256, .ed25519]

    private func check(_ body: [UInt8], _ set: VerifyingKeys, _ now: Timestamp) throws {
        let issuers = set.issuers.isEmpty ? self.issuers : set.issuers
        let audiences = set.audiences.isEmpty ? self.audiences : set.audiences
        guard !issuers.isEmpty, !audiences.isEmpty else {
            throw ConnectorError(
                .missingCredential,
                "neither the connector nor the source says which issuer and audience a token must name")
        }
        let parser = JSONParser()
        do {
            try body.withUnsafeBytes { bytes in
                try parser.withDocument(bytes) { claims in
                    guard claims.kind == .object else { throw ConnectorError(.badSignature, "the token is malformed") }
                    func member(_ name: [UInt8]) -> JSONValue? { name.withUnsafeBytes { claims[$0] } }
                    guard let expiry = member(Array("exp".utf8)).flatMap(Self.seconds) else {
                        throw ConnectorError(.badSignature, "the token does not say when it expires")
                    }
                    guard now.seconds - Self.leewaySeconds < expiry else {
                        throw ConnectorError(.staleSignature, "the token has expired")
                    }
                    if let begin = member(Array("nbf".utf8)).flatMap(Self.seconds),
                        now.seconds + Self.leewaySeconds < begin
                    {
                        throw ConnectorError(.staleSignature, "the token is not valid yet")
                    }
                    let demands =
                        [(Array("iss".utf8), issuers), (Array("aud".utf8), audiences)] + self.claims + set.claims
                    for (name, wanted) in demands {
                        let values = VerifyingKeys.texts(member(name))
                        guard values.contains(where: wanted.contains) else {
                            throw ConnectorError(
                                .badSignature, "the token's \(String(decoding: name, as: UTF8.self)) is another's")
                        }
                    }
                }
            }
        } catch is EventModelError {
            throw ConnectorError(.badSignature, "the token is malformed")
        }
    }

    /// NumericDate (RFC 7519 §2): seconds, which may have a fraction.
    static func seconds(_ value: JSONValue) -> Int64? {
        if let integer = value.int64 { return integer }
        guard let double = value.double, double.magnitude < 1e15 else { return nil }
        return Int64(double)
    }
}
