package import Foundation

/// One request as it goes out: to an address that was vetted, under the name that was configured.
package struct WebhookRequest: Sendable {
    package let url: URL
    /// The address to connect to, whatever the name resolves to by then.
    package let address: NetworkAddress
    package let headers: [(name: String, value: String)]
    package let body: Data
    package let timeout: Duration
    /// Bytes of the answer's body that are read at most; nothing in it is used.
    package let maximumAnswerBytes: Int
}

/// What the receiver said.
package struct WebhookAnswer: Hashable, Sendable {
    package let status: Int
    /// Seconds, from the header `Retry-After`.
    package let retryAfter: Int?

    package init(status: Int, retryAfter: Int? = nil) {
        self.status = status
        self.retryAfter = retryAfter
    }
}

/// How requests leave the program.
package protocol WebhookTransport: Sendable {
    /// Sends one request, following no redirect, and gives up after its timeout.
    /// - Throws: ``DeliveryError`` when there is no answer.
    func send(_ request: WebhookRequest) async throws -> WebhookAnswer
}
