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
    /// A message of Amazon SNS, of a topic that the source names.
    case topic
    /// A verified certificate of the client.
    case certificate(CertificateScheme)
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
        case .topic: TopicMessage.header
        // It stands in no header; no header has an empty name.
        case .certificate: []
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
        guard !acceptsCertificate(of: delivery) else { return .mtls }
        guard let credential, !credential.secrets.isEmpty else {
            guard authentication.isEmpty || authentication.contains(where: { $0.header == nil }) else {
                throw ConnectorError(.missingCredential, "the source has no secret, and \(name) deliveries are signed")
            }
            return .none
        }
        // Of a sender with a key of its own we hold what everybody may know: nobody proves anything by knowing it.
        let shared = credential.secrets.filter { !SourceCredential.isPublic($0) }
        var isTokenWrong = false
        var refusal: ConnectorError?
        for scheme in authentication {
            guard let header = scheme.header, let value = delivery.headers[lowercased: header] else { continue }
            switch scheme {
            case .hmac(let signature):
                guard !signature.coversBody else {
                    try signature.verify(value, delivery: delivery, secrets: shared, now: now)
                    return .hmac
                }
                // What does not cover the body proves no more than a token does, which may stand in the same header.
                do {
                    try signature.verify(value, delivery: delivery, secrets: shared, now: now)
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
                try token.verify(value, credential: credential, now: now)
                return .jwt
            case .token(_, let prefix):
                isTokenWrong = true
                guard Secrets.hasPrefix(value, prefix) else { continue }
                guard Secrets.matches(value[prefix.count...], any: shared) else {
                    throw ConnectorError(.badSignature, "the token is wrong")
                }
                return .token
            case .basic:
                guard Secrets.isBasic(value, shared, credential.username) else {
                    throw ConnectorError(.badSignature, "name or password is wrong")
                }
                return .token
            case .topic:
                try Self.verify(delivery, credential, now)
                return .signature
            case .certificate, .none: continue
            }
        }
        if let refusal { throw refusal }
        if isTokenWrong { throw ConnectorError(.badSignature, "the token is wrong") }
        guard isAuthenticated else { return .none }
        let wanted = authentication.compactMap(\.header).filter { !$0.isEmpty }.map {
            String(decoding: $0, as: UTF8.self)
        }
        guard !wanted.isEmpty else { throw ConnectorError(.unsigned, "no client certificate that is taken") }
        throw ConnectorError(.unsigned, "no header of \(wanted.joined(separator: ", "))")
    }
}

extension Connector {
    private static func verify(_ delivery: Delivery, _ credential: SourceCredential, _ now: Timestamp) throws {
        let topics = credential.secrets.flatMap { TopicMessage.topics(in: $0) }
        guard !topics.isEmpty else { throw ConnectorError(.missingCredential, "the source names no topic") }
        let message = try TopicMessage(delivery.body)
        guard topics.contains(message.topic) else {
            throw ConnectorError(.badSignature, "the message is of a topic that the source does not name")
        }
        guard let keys = credential.keys(at: message.certificate) else {
            throw ConnectorError(.missingCredential, "the message's certificate is not at hand")
        }
        try message.verify(with: keys)
        try message.checkTime(now: now)
    }

    /// The key (`kid`) with which the delivery's token says that it is signed; nil when it brings no token, or it names none.
    package func tokenKeyID(of delivery: Delivery) -> String? {
        for case .jwt(let scheme) in authentication {
            if let value = delivery.headers[lowercased: scheme.header], let id = scheme.keyID(of: value) { return id }
        }
        return nil
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

    static func isBasic(_ value: [UInt8], _ secrets: [[UInt8]], _ username: [UInt8]?) -> Bool {
        let scheme = Array("Basic ".utf8)
        guard hasPrefix(value, scheme), let pair = BinaryText.base64(value[scheme.count...]),
            let colon = pair.firstIndex(of: UInt8(ascii: ":"))
        else { return false }
        let isName = username.map { areEqual(pair[..<colon], $0) } ?? true
        return matches(pair[(colon + 1)...], any: secrets) && isName
    }
}
