import AsyncHTTPClient
import Intake
import NIOCore
import NIOHTTP1

/// Posts a drain to a relay. Redirects are not followed.
protocol RelayTransport: Sendable {
    /// - Throws: ``PullError`` `unavailable`, `malformed` for more bytes than the limit.
    func post(_ url: String, headers: [(name: String, value: String)], body: [UInt8], limit: Int) async throws
        -> PullReply
}

extension HTTPPullTransport: RelayTransport {
    func post(
        _ url: String, headers: [(name: String, value: String)], body: [UInt8], limit: Int
    ) async throws -> PullReply {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.body = .bytes(ByteBuffer(bytes: body))
        return try await send(request, headers: headers, limit: limit)
    }
}
