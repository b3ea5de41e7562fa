import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Requests over AsyncHTTPClient.
///
/// Each request has a client of its own, whose name resolution knows one name and one answer, the vetted address. TLS
/// is checked against the configured name. Notifications are rare; a connection for each costs nothing that matters.
package struct HTTPClientTransport: WebhookTransport {
    package init() {}

    package func send(_ request: WebhookRequest) async throws -> WebhookAnswer {
        try await exchange(request, method: .POST).answer
    }

    /// Sends a request by any method and returns the answer with its body.
    ///
    /// - Throws: as ``send(_:)``.
    func exchange(
        _ request: WebhookRequest, method: HTTPMethod
    ) async throws -> (answer: WebhookAnswer, body: [UInt8]) {
        guard let host = request.url.host() else {
            throw DeliveryError(.invalidDestination, "the URL has no host")
        }
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.dnsOverride = [host: request.address.text]
        configuration.httpVersion = .http1Only
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let answer = try await Self.send(request, method, over: client)
            try await client.shutdown()
            return answer
        } catch {
            try? await client.shutdown()
            if let error = error as? DeliveryError { throw error }
            throw DeliveryError(.unreachable, "no answer: \(type(of: error))")
        }
    }

    private static func send(
        _ request: WebhookRequest, _ method: HTTPMethod, over client: HTTPClient
    ) async throws -> (answer: WebhookAnswer, body: [UInt8]) {
        var outgoing = HTTPClientRequest(url: request.url.absoluteString)
        outgoing.method = method
        for (name, value) in request.headers { outgoing.headers.add(name: name, value: value) }
        if !request.body.isEmpty { outgoing.body = .bytes(ByteBuffer(bytes: request.body)) }
        let answer = try await client.execute(outgoing, timeout: TimeAmount(request.timeout))
        var body: [UInt8] = []
        for try await part in answer.body {
            guard body.count + part.readableBytes <= request.maximumAnswerBytes else {
                throw DeliveryError(.badAnswer, "the answer is longer than \(request.maximumAnswerBytes) bytes")
            }
            body.append(contentsOf: part.readableBytesView)
        }
        let head = WebhookAnswer(
            status: Int(answer.status.code), retryAfter: answer.headers.first(name: "retry-after").flatMap(Int.init))
        return (head, body)
    }
}
