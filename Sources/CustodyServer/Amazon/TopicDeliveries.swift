import Connectors
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import Logging
import NIOSSL

/// Deliveries of Amazon SNS to a source that names its topics: the handshake with which a subscription begins, and what notifications
/// hold.
struct TopicDeliveries {
    /// Bytes that are read of the answer to a confirmation.
    private static let answerBytes = 65_536

    let state: ServerState

    /// The message of a delivery, when it is one and the source names topics. What it says counts once the delivery is authenticated.
    ///
    /// - Throws: ``ConnectorError``.
    func message(_ delivery: Delivery, _ source: Source) throws -> TopicMessage? {
        let topics = source.secrets(at: delivery.received).flatMap { TopicMessage.topics(in: Array($0.utf8)) }
        guard !topics.isEmpty else { return nil }
        guard !TopicMessage.isRaw(delivery) else {
            throw ConnectorError(
                .unsigned, "raw delivery bears no signature: turn it off, or send a token of this server's as password")
        }
        guard TopicMessage.isOne(delivery) else { return nil }
        let message = try TopicMessage(delivery.body)
        // Before anything is fetched for it: whoever does not know the topic makes Custody ask nobody.
        guard topics.contains(message.topic) else {
            throw ConnectorError(.badSignature, "the message is of a topic that the source does not name")
        }
        return message
    }

    /// The answer to a message that is no event; nil for notifications.
    ///
    /// - Throws: ``Problem`` 503 when SNS does not take the confirmation: it asks again.
    func answer(
        _ message: TopicMessage, _ source: Source, _ context: CustodyRequestContext
    ) async throws -> Response? {
        switch message.kind {
        case .notification: return nil
        case .subscription:
            guard let address = message.confirmation.flatMap(URL.init(string:)) else { return nil }
            do {
                _ = try await state.workloads.keySets.fetch(address, Self.answerBytes)
            } catch {
                state.logger.warning(
                    "a subscription could not be confirmed",
                    metadata: ["source": "\(source.name)", "error": "\(error)"])
                throw Problem(
                    .serviceUnavailable, "not_confirmed", "the subscription could not be confirmed now",
                    headers: [.retryAfter: "60"])
            }
            try await record("source.subscribe", "create", message, source, context)
        case .unsubscription: try await record("source.unsubscribe", "delete", message, source, context)
        }
        return Response(status: .ok)
    }

    private func record(
        _ action: String, _ activity: String, _ message: TopicMessage, _ source: Source,
        _ context: CustodyRequestContext
    ) async throws {
        try await state.audit.recordDurably(
            state.auditEntry(
                action, activity: activity, context, resource: ("source", source.name),
                details: [("topic", message.topic), ("message", message.id)]))
    }

    /// A notification as what it holds: the event is the message, which the envelope names and dates.
    static func unwrapped(_ message: TopicMessage, _ delivery: Delivery) -> Delivery {
        var inner = delivery
        inner.body = message.message
        inner.frames = [
            DeliveryFrame(
                range: 0..<message.message.count, identifier: message.id, time: message.time, instance: message.topic)
        ]
        return inner
    }
}

extension VerifyingKeys {
    /// The key of a certificate in PEM that is in force.
    ///
    /// - Throws: ``KeySetFailure``.
    init(certificate pem: [UInt8], now: Timestamp) throws {
        guard let certificate = try? NIOSSLCertificate(bytes: pem, format: .pem),
            let key = try? certificate.extractPublicKey().toSPKIBytes(),
            let keys = VerifyingKeys(Array(Data(key).base64EncodedString().utf8))
        else { throw KeySetFailure(reason: "what is at the address is no certificate with a usable key") }
        let life = Int64(certificate.notValidBefore)...Int64(certificate.notValidAfter)
        guard life.contains(now.seconds) else { throw KeySetFailure(reason: "the certificate is not in force") }
        self = keys
    }
}
