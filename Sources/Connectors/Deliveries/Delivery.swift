package import EventModel

/// One request (or line, or file) from a source, as it arrived.
package struct Delivery: Sendable {
    package var method: String
    package var headers: DeliveryHeaders
    package var body: [UInt8]
    package var received: Timestamp
    /// When a relay took it, for deliveries that came by one: the time of an event that tells none.
    package var carried: Timestamp?
    /// Who its sender's certificate says it is.
    package var certificate: DeliveryCertificate?
    /// Where the events are, when the protocol says so; nil splits the body by its form.
    package var frames: [DeliveryFrame]?

    package init(
        method: String = "POST", headers: DeliveryHeaders, body: [UInt8], received: Timestamp,
        frames: [DeliveryFrame]? = nil
    ) {
        self.frames = frames
        self.method = method
        self.headers = headers
        self.body = body
        self.received = received
    }
}

/// What a source and Custody share, given by the caller, who keeps it.
package struct SourceCredential: Sendable {
    /// HMAC keys, tokens or passwords, whichever the connector's scheme asks for. Several while one is being rotated: each
    /// is valid.
    package var secrets: [[UInt8]]
    /// For basic authentication; nil accepts any name.
    package var username: [UInt8]?
    /// Keys that were fetched, with what else tokens have to say: for secrets that point to a key set.
    package var keySets: [VerifyingKeys] = []
    /// Keys of certificates, by the addresses where these lay.
    package var certificates: [(address: String, keys: VerifyingKeys)] = []

    package init(secrets: [[UInt8]], username: [UInt8]? = nil) {
        self.secrets = secrets
        self.username = username
    }

    func keys(at address: String) -> VerifyingKeys? { certificates.first { $0.address == address }?.keys }

    /// Whether a credential is no secret but names who signs: keys, the address of keys, topics.
    static func isPublic(_ secret: [UInt8]) -> Bool {
        guard !secret.starts(with: Array("arn:".utf8)) else { return true }
        // No key is shorter in any spelling than one of Ed25519 in a JWK.
        guard secret.count >= 64 else { return false }
        return VerifyingKeys(secret) != nil || VerifyingKeys.address(in: secret) != nil
    }

    package init(secret: String) { self.init(secrets: [Array(secret.utf8)]) }
}

/// How a delivery was authenticated: `source.verified`.
package enum Verification: String, Sendable, CaseIterable {
    case hmac, token, mtls, jwt, signature, none
}

/// What to answer to a delivery, when its sender expects more than a success status.
package struct DeliveryAnswer: Equatable, Sendable {
    package var status: Int
    package var contentType: String
    package var body: [UInt8]
    /// Whether the delivery is an event nevertheless. A challenge is not.
    package var isEvent: Bool
}
