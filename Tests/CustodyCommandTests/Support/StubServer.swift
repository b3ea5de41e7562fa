import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// A small server that answers as the test says and remembers what it was asked.
final class StubServer: Sendable {
    struct Asked: Sendable {
        let method: String
        let path: String
        let query: [String: String]
        let headers: HTTPFields
        let body: String

        func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }
    }

    struct Answer: Sendable {
        var status = 200
        var body = ""
        var contentType = "application/json"
        var retryAfter: String?

        static func json(_ body: String, status: Int = 200) -> Answer { Answer(status: status, body: body) }

        static func problem(_ status: Int, _ code: String, _ detail: String, more: String = "") -> Answer {
            Answer(
                status: status,
                body: #"{"status":\#(status),"code":"\#(code)","detail":"\#(detail)"\#(more),"request_id":"r1"}"#,
                contentType: "application/problem+json")
        }
    }

    private let asked = Mutex<[Asked]>([])
    var requests: [Asked] { asked.withLock { $0 } }

    /// Runs `body` with the URL of a server that answers with `answer`.
    static func run<Result: Sendable>(
        _ answer: @escaping @Sendable (Asked) -> Answer,
        _ body: @escaping @Sendable (String, StubServer) async throws -> Result
    ) async throws -> Result {
        let stub = StubServer()
        var logger = Logger(label: "stub")
        // Connections that clients keep open end with the test, which the server would report.
        logger.logLevel = .critical
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            responder: CallbackResponder { (request: Request, _: BasicRequestContext) in
                let content = try await request.body.collect(upTo: 64 << 20)
                let asked = Asked(
                    method: request.method.rawValue, path: request.uri.path,
                    query: Dictionary(
                        request.uri.queryParameters.map { (String($0.key), String($0.value)) }, uniquingKeysWith: { $1 }
                    ),
                    headers: request.headers, body: String(buffer: content))
                stub.asked.withLock { $0.append(asked) }
                return Self.response(answer(asked))
            },
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in port.yield(channel.localAddress?.port ?? 0) }, logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            defer { group.cancelAll() }
            var iterator = ports.makeAsyncIterator()
            let number = await iterator.next() ?? 0
            return try await body("http://127.0.0.1:\(number)", stub)
        }
    }

    private static func response(_ answer: Answer) -> Response {
        var headers: HTTPFields = [.contentType: answer.contentType]
        headers[.retryAfter] = answer.retryAfter
        return Response(
            status: .init(code: answer.status), headers: headers,
            body: .init(byteBuffer: ByteBuffer(string: answer.body)))
    }
}
