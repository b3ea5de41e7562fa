import Crypto
package import Foundation

/// A key that signs notifications, shared with their receiver.
package struct WebhookSecret: Sendable {
    /// Bytes that a key has at least: what an HMAC-SHA256 key needs to be unguessable (Standard Webhooks: 24 to 64).
    package static let minimumBytes = 24

    private let key: SymmetricKey

    /// Reads `whsec_` followed by base64, or any other text as its own bytes.
    /// - Throws: ``DeliveryError`` when it is shorter than ``minimumBytes``.
    package init(_ text: String) throws {
        let prefix = "whsec_"
        let bytes = text.hasPrefix(prefix) ? Data(base64Encoded: String(text.dropFirst(prefix.count))) : Data(text.utf8)
        guard let bytes, bytes.count >= Self.minimumBytes else {
            throw DeliveryError(.invalidDestination, "a webhook secret has at least \(Self.minimumBytes) bytes")
        }
        key = SymmetricKey(data: bytes)
    }

    /// A new secret: 256 random bits.
    package static func make() -> String {
        "whsec_" + SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() }
    }

    /// The signature of a message (Standard Webhooks, "Signature scheme"): `v1,` and the base64 of the HMAC-SHA256 of
    /// `id.timestamp.body`.
    package func signature(id: String, timestamp: Int64, body: Data) -> String {
        var mac = HMAC<SHA256>(key: key)
        mac.update(data: Data("\(id).\(timestamp).".utf8))
        mac.update(data: body)
        return "v1," + Data(mac.finalize()).base64EncodedString()
    }
}
