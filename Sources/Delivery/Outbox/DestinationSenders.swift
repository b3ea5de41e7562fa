import EventModel
import Foundation

/// What came of one attempt.
enum DeliveryOutcome: Sendable {
    /// The receiver has it; the remark says what is not well all the same.
    case delivered(String?)
    /// The receiver will never take it.
    case rejected(String)
    /// Later, perhaps; after so many seconds if the receiver said so.
    case postponed(String, Int?)
}

/// Hands messages to destinations of every kind, each address vetted before anything is said to it.
package struct DestinationSenders: Sendable {
    private static let maximumAnswerBytes = 64 << 10

    private let destinationGuard: DestinationGuard
    private let http: any WebhookTransport
    private let mail: any MailTransport
    private let commands: any CommandRunning

    package init(
        destinationGuard: DestinationGuard, http: any WebhookTransport = HTTPClientTransport(),
        mail: any MailTransport = SMTPClient(), commands: any CommandRunning = CommandRunner()
    ) {
        self.destinationGuard = destinationGuard
        self.http = http
        self.mail = mail
        self.commands = commands
    }

    /// - Throws: ``DeliveryError`` when there was no answer.
    func send(
        _ message: String, _ body: Data, to destination: Destination, _ now: Timestamp
    ) async throws -> DeliveryOutcome {
        switch destination.target {
        case .http(let target): return try await post(message, body, to: target, now)
        case .mail(let target):
            let address = try await destinationGuard.vet(
                host: target.host, plainProtocol: target.security == .none ? "smtp" : nil)
            let refused = try await mail.send(
                OutgoingMail(target: target, address: address, message: body, timeout: DeliveryWorker.mailTimeout))
            return .delivered(
                refused.isEmpty ? nil : "the mail server refused \(refused.joined(separator: ", ")) and took the others"
            )
        case .command(let target):
            try await commands.run(
                target.arguments, input: body,
                environment: ["CUSTODY_NOTIFICATION": message, "CUSTODY_DESTINATION": destination.name],
                timeout: DeliveryWorker.timeout)
            return .delivered(nil)
        }
    }

    /// An object's JSON text with one more member at its beginning.
    private static func adding(_ name: String, _ value: String, to object: Data) -> Data {
        var json = JSONText.Object()
        json.add(name, value)
        return Data(json.bytes.dropLast()) + Data(",".utf8) + object.dropFirst()
    }

    private func post(
        _ message: String, _ body: Data, to target: HTTPTarget, _ now: Timestamp
    ) async throws -> DeliveryOutcome {
        let address = try await destinationGuard.vet(target.url)
        let body = target.routingKey.map { Self.adding("routing_key", $0, to: body) } ?? body
        var headers = [("content-type", "application/json"), ("user-agent", "Custody")]
        if !target.secrets.isEmpty {
            // The time of this attempt, not of the event: receivers refuse old ones as replays.
            let signatures = target.secrets.map { $0.signature(id: message, timestamp: now.seconds, body: body) }
            headers += [
                ("webhook-id", message), ("webhook-timestamp", String(now.seconds)),
                ("webhook-signature", signatures.joined(separator: " ")),
            ]
        }
        if let token = target.token { headers.append(("authorization", "Bearer \(token)")) }
        let answer = try await http.send(
            WebhookRequest(
                url: target.url, address: address, headers: headers, body: body, timeout: DeliveryWorker.timeout,
                maximumAnswerBytes: Self.maximumAnswerBytes))
        if (200..<300).contains(answer.status) { return .delivered(nil) }
        if target.refusals.contains(answer.status) {
            return .rejected("the receiver answered \(answer.status)\(answer.status == 410 ? " Gone" : "")")
        }
        return .postponed("the receiver answered \(answer.status)", answer.retryAfter)
    }
}
