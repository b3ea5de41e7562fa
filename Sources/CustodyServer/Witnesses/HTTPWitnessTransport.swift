import AsyncHTTPClient
import Foundation
import Ledger
import NIOCore
import NIOHTTP1

/// Reaches witnesses over HTTP, on connections that are kept. The operator names them in a file of the server's own, so
/// they may be in the private network and speak plain HTTP: what they answer is verified with their keys.
struct HTTPWitnessTransport: WitnessTransport {
    private static let http = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: {
            var configuration = HTTPClient.Configuration(
                redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5)))
            configuration.httpVersion = .http1Only
            configuration.connectionPool.retryConnectionEstablishment = false
            return configuration
        }())

    func post(_ body: [UInt8], to url: String, timeout: Duration) async throws -> WitnessReply {
        try await Self.send(.POST, url, body, timeout)
    }

    /// Sends a request that has a body, and reads as much of the answer as a witness' may have.
    static func send(
        _ method: HTTPMethod, _ url: String, _ body: [UInt8], _ timeout: Duration
    ) async throws -> WitnessReply {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(name: "Content-Type", value: "text/plain; charset=utf-8")
        request.headers.add(name: "User-Agent", value: "custody")
        request.body = .bytes(ByteBuffer(bytes: body))
        let response = try await http.execute(request, timeout: TimeAmount(timeout))
        let content = try await response.body.collect(upTo: WitnessReply.maximumBytes)
        return WitnessReply(
            status: Int(response.status.code), contentType: response.headers.first(name: "content-type"),
            body: Array(content.readableBytesView))
    }
}
