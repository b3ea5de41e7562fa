internal import EventModel

/// A signature made with the sender's private key, over the body or the JSON in its form field `payload`.
struct KeySignatureScheme: Sendable {
    enum Signed: String, CaseIterable, Sendable {
        case body
        /// The decoded form field `payload`; the body itself where it is no such form.
        case payload
    }

    var header: [UInt8]
    var algorithm = VerifyingKey.Algorithm.rsaSHA256
    var prefix: [UInt8] = []
    var signed = Signed.body

    /// - Parameter secrets: Public keys, of which one has to fit. See ``VerifyingKeys``.
    /// - Throws: ``ConnectorError``.
    func verify(_ value: [UInt8], delivery: Delivery, secrets: [[UInt8]]) throws {
        let keys = secrets.compactMap { VerifyingKeys($0) }.flatMap(\.keys)
        guard !keys.isEmpty else {
            throw ConnectorError(.missingCredential, "the source's secret is no public key")
        }
        guard Secrets.hasPrefix(value, prefix), let signature = BinaryText.base64(value[prefix.count...]) else {
            throw ConnectorError(.badSignature, "the signature header is malformed")
        }
        var message = delivery.body
        if signed == .payload {
            message =
                delivery.body.withUnsafeBytes { FormBody.payload(of: $0, headers: delivery.headers) } ?? delivery.body
        }
        guard keys.contains(where: { $0.key.isValid(signature, over: message, algorithm) }) else {
            throw ConnectorError(.badSignature, "the signature is wrong")
        }
    }
}
