import EventModel
import Foundation
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Synchronization
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("Client certificates")
struct ClientCertificateTests {
    private static func certificate(_ pem: String) throws -> NIOSSLCertificate {
        try NIOSSLCertificate(bytes: Array(pem.utf8), format: .pem)
    }

    @Test("A certificate's names are read, with commas that are no separators escaped")
    func names() throws {
        let peer = try #require(PeerCertificate(Self.certificate(TestCertificates.agent)))
        #expect(peer.subject == #"C=DE,O=Acme\, Inc.,CN=agent"#)
        #expect(peer.names == ["dns:agent.example", "uri:spiffe://acme.example/agent"])
        #expect(peer.fingerprint.count == 64)
    }

    @Test("What is no certificate has no subject, however it is cut or changed")
    func hostileDER() throws {
        let der = try Self.certificate(TestCertificates.agent).toDERBytes()
        let whole = CertificateSubject.text(der)
        #expect(whole != nil)
        for length in 0..<der.count { #expect(CertificateSubject.text(Array(der.prefix(length))) == nil) }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            var changed = der
            changed[Int.random(in: 0..<der.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            // It may say something else, or nothing; it may not end the process.
            _ = CertificateSubject.text(changed)
        }
    }

    @Test("A verified certificate sends as the source that it is bound to; another authority's, and none, do not")
    func listener() async throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("mtls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        for (name, text) in [
            ("ca.pem", TestCertificates.authority), ("server.pem", TestCertificates.server),
            ("server.key", TestCertificates.serverKey),
        ] { try Data(text.utf8).write(to: place.appendingPathComponent(name)) }
        try await TestServer.run({ configuration in
            configuration.port = 0
            configuration.tlsCertificate = place.appendingPathComponent("server.pem").path
            configuration.tlsKey = place.appendingPathComponent("server.key").path
            configuration.clientAuthorities = place.appendingPathComponent("ca.pem").path
        }) { server, client in
            _ = try await client.send(.post, "/v1/sources", #"{"name":"agents"}"#)
            let made = try await client.send(
                .post, "/v1/identities",
                #"{"name":"agent","issuer":"mtls","audiences":[],"claims":{"san":["uri:spiffe://acme.example/*"]},"source":"agents"}"#
            )
            #expect(made.status == 201, "\(made.text)")
            let (ports, port) = AsyncStream.makeStream(of: Int.self)
            let listening = try CustodyApplication(server.service.state).service { port.yield($0) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await listening.run() }
                defer { group.cancelAll() }
                var iterator = ports.makeAsyncIterator()
                let number = await iterator.next() ?? 0
                let good = try await Self.push(
                    port: number, TestCertificates.agent, TestCertificates.agentKey, "/v1/events")
                #expect(good.hasPrefix("HTTP/1.1 200"), "\(good)")
                let hook = try await Self.push(
                    port: number, TestCertificates.agent, TestCertificates.agentKey, "/v1/hooks/agents")
                #expect(hook.hasPrefix("HTTP/1.1 200"), "\(hook)")
                let elsewhere = try await Self.push(
                    port: number, TestCertificates.agent, TestCertificates.agentKey, "/v1/events?source=auto")
                #expect(elsewhere.hasPrefix("HTTP/1.1 403"), "\(elsewhere)")
                let page = try await Self.push(
                    port: number, TestCertificates.agent, TestCertificates.agentKey, "/v1/events",
                    more: "Origin: https://evil.example\r\n")
                #expect(page.hasPrefix("HTTP/1.1 401"), "\(page)")
                let none = try await Self.push(port: number, nil, nil, "/v1/events")
                #expect(none.hasPrefix("HTTP/1.1 401"), "\(none)")
                let foreign = try? await Self.push(
                    port: number, TestCertificates.foreign, TestCertificates.foreignKey, "/v1/events")
                #expect(foreign?.hasPrefix("HTTP/1.1") != true)
            }
            let found = try await client.search("source.name:agents", expecting: 1)
            let source = found.first?["source"] as? [String: Any]
            #expect(source?["verified"] as? String == "mtls")
            let ext = found.first?["ext"] as? [String: Any]
            #expect(ext?["workload.subject"] as? String == #"C=DE,O=Acme\, Inc.,CN=agent"#, "\(found)")
        }
    }

    @Test("Authorities of clients need TLS")
    func needsTLS() async throws {
        try await TestServer.run({ $0.clientAuthorities = "ca.pem" }) { server, _ in
            #expect(throws: ConfigurationError.self) {
                _ = try CustodyApplication(server.service.state).service { _ in }
            }
        }
    }

    /// Sends one event over a connection of its own and returns the answer's head.
    private static func push(
        port: Int, _ certificate: String?, _ key: String?, _ path: String, more: String = ""
    ) async throws -> String {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates([try self.certificate(TestCertificates.authority)])
        if let certificate, let key {
            configuration.certificateChain = [.certificate(try self.certificate(certificate))]
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem))
        }
        let tls = try NIOSSLContext(configuration: configuration)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            let body = #"{"id":"m1"}"#
            let request =
                "POST \(path) HTTP/1.1\r\nHost: localhost\r\n\(more)Content-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
            try await outbound.write(ByteBuffer(string: request))
            var text = ""
            for try await part in inbound {
                text += String(buffer: part)
                if text.contains("\r\n\r\n") { break }
            }
            return text
        }
    }
}
