import AsyncHTTPClient
import EventModel
import Foundation
import Intake
import NIOCore
import NIOHTTP1

/// What a pulled address answered.
struct PullReply: Sendable {
    var status: Int
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    subscript(name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
}

/// Gets what is at an address. Redirects are not followed: they would take credentials elsewhere.
protocol PullTransport: Sendable {
    /// - Throws: ``PullError`` `unavailable`, `malformed` for more bytes than the limit.
    func get(_ url: String, headers: [(name: String, value: String)], limit: Int) async throws -> PullReply
}

/// Over HTTP, on connections that are kept. The operator names the addresses in the server's own file, so they may be in the
/// private network.
struct HTTPPullTransport: PullTransport {
    /// How long an answer may take, its body included.
    static let timeout = TimeAmount.seconds(60)

    private static let http = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: {
            var configuration = HTTPClient.Configuration(
                redirectConfiguration: .disallow, timeout: .init(connect: .seconds(10)))
            configuration.httpVersion = .http1Only
            return configuration
        }())

    func get(_ url: String, headers: [(name: String, value: String)], limit: Int) async throws -> PullReply {
        try await send(HTTPClientRequest(url: url), headers: headers, limit: limit)
    }

    func exchange(
        _ method: String, _ url: String, headers: [(name: String, value: String)], body: [UInt8] = [], limit: Int
    ) async throws -> PullReply {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        if !body.isEmpty { request.body = .bytes(body) }
        return try await send(request, headers: headers, limit: limit)
    }

    func send(
        _ request: HTTPClientRequest, headers: [(name: String, value: String)], limit: Int
    ) async throws -> PullReply {
        var request = request
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if !request.headers.contains(name: "User-Agent") { request.headers.add(name: "User-Agent", value: "custody") }
        do {
            let response = try await Self.http.execute(request, timeout: Self.timeout)
            let body = try await response.body.collect(upTo: limit)
            return PullReply(
                status: Int(response.status.code), headers: response.headers.map { ($0.name, $0.value) },
                body: Array(body.readableBytesView))
        } catch is NIOTooManyBytesError {
            throw PullError(.malformed, "the answer is larger than \(limit) bytes")
        } catch let error as CancellationError {
            throw error
        } catch {
            throw PullError(.unavailable, "no answer")
        }
    }
}

extension PullReply {
    /// The reply, when it is a success.
    ///
    /// - Throws: ``PullError`` that says what the status means, and how long to wait where the reply does.
    func successful(now: Timestamp) throws -> PullReply {
        switch status {
        case 200..<300: return self
        case 429, 503: throw PullError(.limited, "status \(status)", retryAfterSeconds: retryAfter(now))
        case 401, 403: throw PullError(.denied, "status \(status)", retryAfterSeconds: retryAfter(now))
        case 500...: throw PullError(.unavailable, "status \(status)", retryAfterSeconds: retryAfter(now))
        default: throw PullError(.malformed, "status \(status)")
        }
    }

    /// `Retry-After` in seconds (RFC 9110 §10.2.3), or the moment at which a limit is lifted, as Okta and GitHub tell it.
    private func retryAfter(_ now: Timestamp) -> Int64? {
        if let seconds = self["Retry-After"].flatMap({ Int64($0) }), seconds >= 0 { return seconds }
        for name in ["X-Rate-Limit-Reset", "X-RateLimit-Reset"] {
            guard self[name.replacingOccurrences(of: "Reset", with: "Remaining")] == "0" || status == 429,
                let reset = self[name].flatMap({ Int64($0) })
            else { continue }
            // Some give the moment, some the seconds until then.
            return reset > 1_000_000_000 ? max(1, reset - now.seconds) : max(1, reset)
        }
        return nil
    }
}
