internal import EventModel

/// A JSON Web Token (RFC 7519) in a header, signed RS256 or ES256 (RFC 7515, 7518) with a key that the source knows.
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

    /// - Parameter secrets: Key sets. See ``VerifyingKeys``.
    /// - Throws: ``ConnectorError``.
    func verify(_ value: [UInt8], secrets: [[UInt8]], now: Timestamp) throws {
        guard value.count <= Self.maximumBytes else {
            throw ConnectorError(.badSignature, "a token has at most \(Self.maximumBytes) bytes")
        }
        let sets = secrets.compactMap { VerifyingKeys($0) }
        guard !sets.isEmpty else {
            throw ConnectorError(.missingCredential, "the source's secret is no public key and no key set")
        }
        let token = value[prefix.count...]
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let head = BinaryText.base64(parts[0]), let body = BinaryText.base64(parts[1]),
            let signature = BinaryText.base64(parts[2])
        else { throw ConnectorError(.badSignature, "the token is malformed") }
        let message = Array(token[..<(token.startIndex + parts[0].count + 1 + parts[1].count)])
        let algorithm = try Self.algorithm(head)
        let key = Self.keyID(head)
        var failure = ConnectorError(.badSignature, "no key of the source made the token's signature")
        for set in sets {
            let candidates = set.keys.filter { $0.id == nil || key == nil || $0.id == key }
            guard candidates.contains(where: { $0.key.isValid(signature, over: message, algorithm) }) else { continue }
            do {
                return try check(body, set, now)
            } catch let error as ConnectorError {
                failure = error
            }
        }
        throw failure
    }

    /// Only what is asked for: `none` and the HMACs, with which a public key would serve as the secret, are refused.
    private static func algorithm(_ head: [UInt8]) throws -> VerifyingKey.Algorithm {
        switch text("alg", in: head) {
        case "RS256": return .rsaSHA256
        case "RS512": return .rsaSHA512
        case "ES256": return .ecdsaSHA256
        default: throw ConnectorError(.badSignature, "the token's algorithm is none of RS256, RS512, ES256")
        }
    }

    private static func keyID(_ head: [UInt8]) -> [UInt8]? { text("kid", in: head).map { Array($0.utf8) } }

    private static func text(_ name: String, in document: [UInt8]) -> String? {
        let parser = JSONParser()
        let found = try? document.withUnsafeBytes { bytes in
            try parser.withDocument(bytes) { value -> String? in
                guard value.kind == .object else { return nil }
                return Array(name.utf8).withUnsafeBytes { value[$0] }?.string?.text
            }
        }
        return found ?? nil
    }

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
    private static func seconds(_ value: JSONValue) -> Int64? {
        if let integer = value.int64 { return integer }
        guard let double = value.double, double.magnitude < 1e15 else { return nil }
        return Int64(double)
    }
}
