internal import Crypto
package import EventModel
internal import Foundation

/// The token with which a workload says who it is: a job of GitHub Actions or GitLab CI, a service account of Kubernetes, anything
/// else that has a token of OpenID Connect.
///
/// What it says counts only after ``isSigned(by:)`` and ``checkTimes(now:)``; issuer, audience and claims are then compared with
/// what somebody bound to them.
package struct WorkloadToken: Sendable {
    /// Tokens of every issuer that we know have less than a quarter of this.
    package static let maximumBytes = JSONWebTokenScheme.maximumBytes
    /// How far the clocks of both ends may differ, in seconds.
    package static let leewaySeconds = JSONWebTokenScheme.leewaySeconds
    /// The longest life of a token from now on. A job lives for hours, a projected token of Kubernetes for one by default; what
    /// lives longer is a password.
    package static let lifetimeSeconds: Int64 = 86_400
    /// How deep claims are looked into: Kubernetes' lie two levels down.
    private static let depth = 4
    /// Texts of claims that are kept.
    private static let maximumTexts = 1_024

    package let issuer: String
    /// `kid`.
    package let keyID: String?
    package let audiences: [String]
    /// `jti`.
    package let id: String?
    package let expires: Timestamp
    /// The texts of all claims that are texts, numbers or booleans, or lists of such, by name. What lies inside an object has the
    /// names on the way before it: `kubernetes.io/serviceaccount/name`.
    package let claims: [String: [String]]
    private let token: JSONWebToken
    private let notBefore: Int64?
    private let issued: Int64?

    /// Whether a text can be such a token: three parts, of which the first begins as base64 of a JSON object does.
    package static func isLikely(_ text: String) -> Bool {
        text.hasPrefix("eyJ") && text.utf8.count { $0 == UInt8(ascii: ".") } == 2
    }

    /// RSA with SHA-256, ECDSA on P-256, Ed25519: what issuers sign with. Never `none`, never an HMAC.
    private static let algorithms: Set<VerifyingKey.Algorithm> = [.rsaSHA256, .ecdsaSHA256, .ed25519]

    /// - Throws: ``ConnectorError`` `badSignature` for what is no such token.
    package init(_ text: String) throws {
        guard text.utf8.count <= Self.maximumBytes else {
            throw ConnectorError(.badSignature, "a token has at most \(Self.maximumBytes) bytes")
        }
        token = try JSONWebToken(Array(text.utf8)[...], allowed: Self.algorithms)
        keyID = token.keyID.flatMap { String(validating: $0, as: UTF8.self) }
        var claims: [String: [String]] = [:]
        var room = Self.maximumTexts
        let times = try token.claims.withUnsafeBytes { bytes in
            try JSONParser().withDocument(bytes) { value in
                Self.read(value, "", Self.depth, &room, &claims)
                return (
                    value["exp"].flatMap(JSONWebTokenScheme.seconds),
                    value["nbf"].flatMap(JSONWebTokenScheme.seconds), value["iat"].flatMap(JSONWebTokenScheme.seconds)
                )
            }
        }
        guard let issuer = claims["iss"]?.first, claims["iss"]?.count == 1 else {
            throw ConnectorError(.badSignature, "the token names no issuer")
        }
        guard let expiry = times.0, expiry.magnitude < 1 << 33 else {
            throw ConnectorError(.badSignature, "the token does not say when it expires")
        }
        self.issuer = issuer
        self.claims = claims
        audiences = claims["aud"] ?? []
        id = claims["jti"]?.first
        expires = Timestamp(seconds: expiry)
        notBefore = times.1
        issued = times.2
    }

    /// Whether one of the keys made it.
    package func isSigned(by keys: VerifyingKeys) -> Bool { token.isSigned(by: keys) }

    /// - Throws: ``ConnectorError`` `staleSignature` when it is not in force, `badSignature` when it lives too long.
    package func checkTimes(now: Timestamp) throws {
        guard now.seconds - Self.leewaySeconds < expires.seconds else {
            throw ConnectorError(.staleSignature, "the token has expired")
        }
        for begin in [notBefore, issued].compactMap(\.self) where now.seconds + Self.leewaySeconds < begin {
            throw ConnectorError(.staleSignature, "the token is not valid yet")
        }
        guard expires.seconds - now.seconds <= Self.lifetimeSeconds + Self.leewaySeconds else {
            throw ConnectorError(
                .badSignature, "the token lives for more than \(Self.lifetimeSeconds / 3_600) hours")
        }
    }

    /// What no other token of its issuer has: the digest of issuer and id; without an id, of what is signed, which stays the same
    /// however its signature is written.
    package var fingerprint: [UInt8] {
        var hash = SHA256()
        hash.update(data: Array(issuer.utf8))
        hash.update(data: [0])
        hash.update(data: id.map { Array($0.utf8) } ?? token.signed)
        return Array(hash.finalize())
    }

    private static func read(
        _ value: JSONValue, _ name: String, _ depth: Int, _ room: inout Int, _ claims: inout [String: [String]]
    ) {
        switch value.kind {
        case .object:
            guard depth > 0 else { return }
            for member in value.members {
                let own = String(decoding: member.key, as: UTF8.self)
                read(member.value, name.isEmpty ? own : name + "/" + own, depth - 1, &room, &claims)
            }
        case .array:
            for element in value.elements where !element.isContainer {
                read(element, name, depth, &room, &claims)
            }
        default:
            guard room > 0, let text = value.scalarText else { return }
            room -= 1
            claims[name, default: []].append(text)
        }
    }
}
