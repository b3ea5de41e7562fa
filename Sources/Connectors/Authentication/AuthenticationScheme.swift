internal import Crypto
package import EventModel

/// One way in which a delivery proves where it comes from. A connector declares several in order of preference; the first
/// whose header is there decides; of tokens in one header with several prefixes, the one whose prefix is there.
enum AuthenticationScheme: Sendable {
    case hmac(SignatureScheme)
    /// A signature with the sender's private key.
    case signature(KeySignatureScheme)
    case jwt(JSONWebTokenScheme)
    /// The header's whole value, behind `prefix`, is the secret.
    case token(header: [UInt8], prefix: [UInt8])
    /// HTTP basic authentication (RFC 7617).
    case basic
    /// Nothing to check.
    case none

    /// The lower-cased header in which the proof stands.
    var header: [UInt8]? {
        switch self {
        case .hmac(let scheme): scheme.header
        case .signature(let scheme): scheme.header
        case .jwt(let scheme): scheme.header
        case .token(let header, _): header
        case .basic: Array("authorization".utf8)
        case .none: nil
        }
    }
}

extension Connector {
    /// Checks a delivery against the source's credential.
    ///
    /// Comparison takes the same time wherever two values differ. Without a credential only a connector that declares
    /// `none` lets a delivery through, as ``Verification/none``; the caller may have authenticated it otherwise (a bearer
    /// token, mTLS) and then need not ask.
    ///
    /// - Parameter now: Judges signed times; the tolerance stands in the connector file.
    /// - Throws: ``ConnectorError``: `missingCredential`, or for an answer of 401 `unsigned`, `badSignature`,
    ///   `staleSignature`.
    package func authenticate(
        _ delivery: Delivery, credential: SourceCredential?, now: Timestamp
    ) throws -> Verification {
        guard let credential, !credential.secrets.isEmpty else {
            guard authentication.isEmpty || authentication.contains(where: { $0.header == nil }) else {
                throw ConnectorError(.missingCredential, "the source has no secret, and \(name) deliveries are signed")
            }
            return .none
        }
        var isTokenWrong = false
        var refusal: ConnectorError?
        for scheme in authentication {
            guard let header = scheme.header, let value = delivery.headers[lowercased: header] else { continue }
            switch scheme {
            case .hmac(let signature):
                guard !signature.coversBody else {
                    try signature.verify(value, delivery: delivery, secrets: credential.secrets, now: now)
                    return .hmac
                }
                // What does not cover the body proves no more than a token does, which may stand in the same header.
                do {
                    try signature.verify(value, delivery: delivery, secrets: credential.secrets, now: now)
                    return .token
                } catch let error as ConnectorError where error.code != .missingCredential {
                    refusal = error
                }
            case .signature(let signature):
                try signature.verify(value, delivery: delivery, secrets: credential.secrets)
                return .signature
            case .jwt(let token):
                // A header that several schemes use holds a token of this one only if it has three parts.
                guard Secrets.hasPrefix(value, token.prefix),
                    value[token.prefix.count...].count(where: { $0 == UInt8(ascii: ".") }) == 2
                else { continue }
                try token.verify(value, secrets: credential.secrets, now: now)
                return .jwt
            case .token(_, let prefix):
                isTokenWrong = true
                guard Secrets.hasPrefix(value, prefix) else { continue }
                guard Secrets.matches(value[prefix.count...], any: credential.secrets) else {
                    throw ConnectorError(.badSignature, "the token is wrong")
                }
                return .token
            case .basic:
                guard Secrets.isBasic(value, credential) else {
                    throw ConnectorError(.badSignature, "name or password is wrong")
                }
                return .token
            case .none: continue
            }
        }
        if let refusal { throw refusal }
        if isTokenWrong { throw ConnectorError(.badSignature, "the token is wrong") }
        let wanted = authentication.compactMap(\.header).map { String(decoding: $0, as: UTF8.self) }
        guard !wanted.isEmpty else { return .none }
        throw ConnectorError(.unsigned, "no header of \(wanted.joined(separator: ", "))")
    }
}

/// Comparing secrets.
enum Secrets {
    /// Compares digests of both, so that neither length nor content shows in the time taken.
    static func areEqual(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
        let one = SHA256.hash(data: Array(left))
        let other = SHA256.hash(data: Array(right))
        var difference: UInt8 = 0
        for (first, second) in zip(one, other) { difference |= first ^ second }
        return difference == 0
    }

    static func matches(_ value: some Collection<UInt8>, any secrets: [[UInt8]]) -> Bool {
        var found = false
        for secret in secrets where areEqual(value, secret) { found = true }
        return found
    }

    static func hasPrefix(_ value: [UInt8], _ prefix: [UInt8]) -> Bool {
        guard value.count >= prefix.count else { return false }
        return zip(prefix, value).allSatisfy { CaseFolding.fold($0) == CaseFolding.fold($1) }
    }

    static func isBasic(_ value: [UInt8], _ credential: SourceCredential) -> Bool {
        let scheme = Array("Basic ".utf8)
        guard hasPrefix(value, scheme), let pair = BinaryText.base64(value[scheme.count...]),
            let colon = pair.firstIndex(of: UInt8(ascii: ":"))
        else { return false }
        let isName = credential.username.map { areEqual(pair[..<colon], $0) } ?? true
        return matches(pair[(colon + 1)...], any: credential.secrets) && isName
    }
}
