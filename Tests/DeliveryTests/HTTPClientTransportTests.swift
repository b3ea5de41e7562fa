import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@testable import Delivery

@Suite("Sending over HTTP")
struct HTTPClientTransportTests {
    @Test("A message reaches an allowed listener on loopback under the configured name")
    func loopback() async throws {
        let listener = try await Listener.start(status: .noContent)
        let scene = try OutboxScene(url: "http://hooks.example.com:\(listener.port)/custody?team=red")
        try scene.raise()
        let worker = scene.worker(
            HTTPClientTransport(), allowance: .init(hosts: ["hooks.example.com"]),
            resolver: FixedResolver(names: ["hooks.example.com": ["127.0.0.1"]]))
        #expect(try await worker.deliverDue() == 1)
        #expect(try scene.outbox.list(.delivered).count == 1)
        let heads = listener.heads
        #expect(heads.map(\.uri) == ["/custody?team=red"] && heads[0].method == .POST)
        #expect(heads[0].headers.first(name: "host")?.hasPrefix("hooks.example.com") == true)
        try await listener.stop()
    }

    @Test("A redirect is an answer, not a way")
    func redirects() async throws {
        let listener = try await Listener.start(status: .temporaryRedirect)
        let answer = try await HTTPClientTransport().send(try request(port: listener.port))
        #expect(answer.status == 307 && listener.heads.count == 1)
        try await listener.stop()
    }

    @Test("An answer without end is cut off, a port without listener is unreachable")
    func faults() async throws {
        let listener = try await Listener.start(status: .ok, bodyBytes: 10_000)
        await #expect(throws: DeliveryError.self) {
            try await HTTPClientTransport().send(try request(port: listener.port, maximumAnswerBytes: 100))
        }
        let port = listener.port
        try await listener.stop()
        await #expect(throws: DeliveryError.self) { try await HTTPClientTransport().send(try request(port: port)) }
    }

    private func request(port: Int, maximumAnswerBytes: Int = 1_000) throws -> WebhookRequest {
        WebhookRequest(
            url: try #require(URL(string: "http://hooks.example.com:\(port)/")),
            address: try #require(NetworkAddress("127.0.0.1")), headers: [], body: Data("{}".utf8),
            timeout: .seconds(120), maximumAnswerBytes: maximumAnswerBytes)
    }
}

/// An HTTP listener on a free port of loopback that gives every request the same answer.
private final class Listener: Sendable {
    private let channel: any Channel
    private let log: Log

    private final class Log: Sendable {
        let heads = Mutex<[HTTPRequestHead]>([])
    }

    private init(_ channel: any Channel, _ log: Log) {
        self.channel = channel
        self.log = log
    }

    var port: Int { channel.localAddress?.port ?? 0 }
    var heads: [HTTPRequestHead] { log.heads.withLock { $0 } }

    static func start(status: HTTPResponseStatus, bodyBytes: Int = 0) async throws -> Listener {
        let log = Log()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(
                        Responder(status: status, bodyBytes: bodyBytes) { head in log.heads.withLock { $0.append(head) }
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return Listener(channel, log)
    }

    func stop() async throws { try await channel.close() }
}

private final class Responder: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let status: HTTPResponseStatus
    private let bodyBytes: Int
    private let record: @Sendable (HTTPRequestHead) -> Void

    init(status: HTTPResponseStatus, bodyBytes: Int, record: @escaping @Sendable (HTTPRequestHead) -> Void) {
        self.status = status
        self.bodyBytes = bodyBytes
        self.record = record
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): record(head)
        case .body: break
        case .end:
            var headers = HTTPHeaders()
            if status != .noContent { headers.add(name: "content-length", value: String(bodyBytes)) }
            if status == .temporaryRedirect {
                headers.add(name: "location", value: "http://hooks.example.com/elsewhere")
            }
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            if bodyBytes > 0 {
                let bytes = ByteBuffer(repeating: 0x61, count: bodyBytes)
                context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
            }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
