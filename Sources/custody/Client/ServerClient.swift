import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Talks to one server over HTTP.
///
/// Errors are ``CommandFailure``: `unreachable` without an answer, else what the answer's status stands for.
struct ServerClient: Sendable {
    enum Method: String, Sendable { case get = "GET", post = "POST", put = "PUT", patch = "PATCH", delete = "DELETE" }

    enum Credential: Sendable {
        case token(String)
        /// What the place gives where the command runs.
        case workload(WorkloadCredential)
        /// The hint says how to have one.
        case none(hint: String)
    }

    /// No answer takes longer, but for a search the server stops itself.
    static let timeout = TimeAmount.seconds(120)
    /// An answer holds at most 10,000 events of at most 1 MiB; no honest one comes near this.
    static let maximumAnswerBytes = 1 << 30
    /// The server says something at least every 15 seconds in a live tail; three times nothing means that it is gone.
    static let tailSilence = TimeAmount.seconds(45)

    let address: ServerAddress
    let credential: Credential

    /// One for the life of the process, which ends it.
    private static let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration(nil))
    private static let streaming = HTTPClient(
        eventLoopGroupProvider: .singleton, configuration: configuration(tailSilence))

    /// Certificates of authorities that are trusted beside the system's, PEM: of an organisation's own, or of a server that
    /// signed its own. The second name is the one that OpenSSL and curl read.
    static let authorityVariables = ["CUSTODY_CA_FILE", "SSL_CERT_FILE"]

    private static var authorities: String? {
        authorityVariables.lazy.compactMap { CommandContext.current.variable($0) }.first
    }

    private static func configuration(_ silence: TimeAmount?) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5), read: silence))
        // Whoever calls decides on a second attempt.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        if let file = authorities {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.additionalTrustRoots = [.file(file)]
            configuration.tlsConfiguration = tls
        }
        return configuration
    }

    /// Sends a request and returns the answer, whatever its status.
    ///
    /// - Throws: ``CommandFailure`` `unreachable`.
    func send(
        _ method: Method, _ path: String, query: [(String, String)] = [], headers: [(String, String)] = [],
        body: [UInt8]? = nil
    ) async throws -> ServerAnswer {
        let bearer = try await bearer()
        let answer = try await exchange(request(method, path, query, headers, body, bearer))
        guard answer.status == 401, case .workload(let workload) = credential, let bearer else { return answer }
        // The session may have ended before its time, with the binding that it came by: a fresh one tells.
        await workload.drop(bearer, for: address)
        return try await exchange(request(method, path, query, headers, body, try await self.bearer()))
    }

    /// What to present.
    ///
    /// - Throws: ``CommandFailure`` when a workload has no session and gets none.
    private func bearer() async throws -> String? {
        switch credential {
        case .token(let token): token
        case .workload(let workload): try await workload.bearer(for: address)
        case .none: nil
        }
    }

    private func exchange(_ request: HTTPClientRequest) async throws -> ServerAnswer {
        do {
            let response = try await Self.http.execute(request, timeout: Self.timeout)
            let content = try await response.body.collect(upTo: Self.maximumAnswerBytes)
            return ServerAnswer(
                status: Int(response.status.code), contentType: response.headers.first(name: "content-type") ?? "",
                retryAfter: response.headers.first(name: "retry-after").flatMap(Int.init),
                body: Array(content.readableBytesView))
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw unreachable(error)
        }
    }

    /// Sends a request with a JSON body and returns the body of a successful answer.
    ///
    /// - Throws: ``CommandFailure``.
    func call(
        _ method: Method, _ path: String, query: [(String, String)] = [], body: [UInt8]? = nil
    ) async throws -> [UInt8] {
        let headers = body == nil ? [] : [("Content-Type", "application/json")]
        let answer = try await send(method, path, query: query, headers: headers, body: body)
        guard answer.isSuccess else { throw failure(answer) }
        return answer.body
    }

    /// Sends a request and hands over the body of a successful answer in the pieces in which it comes.
    ///
    /// - Throws: ``CommandFailure``; what `body` throws. An answer that breaks off is `unreachable`.
    func download(
        _ method: Method, _ path: String, body content: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Void
    ) async throws {
        let request = request(method, path, [], [("Content-Type", "application/json")], content, try await bearer())
        let response: HTTPClientResponse
        do {
            response = try await Self.streaming.execute(request, deadline: .distantFuture)
        } catch {
            throw unreachable(error)
        }
        guard response.status == .ok else {
            throw failure(try await Self.answer(response))
        }
        var chunks = response.body.makeAsyncIterator()
        while true {
            let chunk: ByteBuffer?
            do {
                chunk = try await chunks.next()
            } catch {
                throw unreachable(error)
            }
            guard let chunk else { return }
            try chunk.withUnsafeReadableBytes(body)
        }
    }

    private static func answer(_ response: HTTPClientResponse) async throws -> ServerAnswer {
        let content = try? await response.body.collect(upTo: 1 << 20)
        return ServerAnswer(
            status: Int(response.status.code), contentType: response.headers.first(name: "content-type") ?? "",
            retryAfter: response.headers.first(name: "retry-after").flatMap(Int.init),
            body: content.map { Array($0.readableBytesView) } ?? [])
    }

    /// Opens a stream of server-sent events; the chunks come as they arrive.
    ///
    /// - Throws: ``CommandFailure``.
    func stream(_ path: String, query: [(String, String)]) async throws -> HTTPClientResponse.Body {
        let request = request(.get, path, query, [("Accept", "text/event-stream")], nil, try await bearer())
        let response: HTTPClientResponse
        do {
            response = try await Self.streaming.execute(request, deadline: .distantFuture)
        } catch {
            throw unreachable(error)
        }
        guard response.status == .ok else { throw failure(try await Self.answer(response)) }
        return response.body
    }

    /// What an answer that is no success means for the command.
    func failure(_ answer: ServerAnswer) -> CommandFailure {
        guard answer.status == 401, case .none(let hint) = credential else { return answer.failure(of: address) }
        return CommandFailure(.denied, "the server wants a token: \(hint)")
    }

    func unreachable(_ error: any Error) -> CommandFailure {
        CommandFailure(.unreachable, "no answer from \(address.text): \(Self.reason(error))")
    }

    private func request(
        _ method: Method, _ path: String, _ query: [(String, String)], _ headers: [(String, String)],
        _ body: [UInt8]?, _ bearer: String?
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: address.url(path, query: query))
        request.method = HTTPMethod(rawValue: method.rawValue)
        request.headers.add(name: "User-Agent", value: "custody/\(Custody.version)")
        if let bearer { request.headers.add(name: "Authorization", value: "Bearer \(bearer)") }
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        return request
    }

    /// The common failures in plain words.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError where error == .connectTimeout: "the connection timed out"
        case let error as HTTPClientError where error == .readTimeout || error == .deadlineExceeded: "it took too long"
        case let error as HTTPClientError where error == .remoteConnectionClosed: "it closed the connection"
        case let error as HTTPClientError: error.description
        case is NIOSSLError, is BoringSSLError:
            String(describing: error).contains("CERTIFICATE_VERIFY_FAILED")
                ? "its certificate is not trusted; name the authority's certificate with \(authorityVariables[0])"
                : "no TLS connection came about"
        case let error as IOError: error.errnoCode == 111 ? "connection refused" : error.description
        case let error as NIOConnectionError:
            error.connectionErrors.isEmpty
                ? "the name \(error.host) is not known" : error.connectionErrors.map { reason($0.error) }[0]
        default: String(describing: error)
        }
    }
}
