import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import CustodyServer

@Suite("Sources whose senders' keys lie at an address")
struct KeyAddressTests {
    private static let secret =
        #"{"jwks_uri":"https://keys.example/jwks","issuer":"https://issuer.example","audience":"https://custody.example"}"#

    private static func run(
        _ body: @escaping @Sendable (TestIssuer, any TestClientProtocol) async throws -> Void
    ) async throws {
        let issuer = TestIssuer()
        try await TestServer.run(fetchKeys: issuer.fetch) { _, client in
            let source = try JSONSerialization.data(withJSONObject: [
                "name": "pubsub", "connector": "gcp-pubsub-push", "secret": Self.secret,
            ])
            #expect(try await client.send(.post, "/v1/sources", String(decoding: source, as: UTF8.self)).status == 201)
            try await body(issuer, client)
        }
    }

    private static func send(_ client: any TestClientProtocol, _ id: String, _ token: String) async throws -> Answer {
        try await client.send(.post, "/v1/hooks/pubsub", #"{"id":"\#(id)"}"#, token: token)
    }

    @Test("A delivery's token is verified with the keys that are there, which follow their issuer")
    func rotation() async throws {
        try await Self.run { issuer, client in
            #expect(try await Self.send(client, "1", issuer.token()).status == 200)
            #expect(try await Self.send(client, "2", issuer.token()).status == 200)
            #expect(issuer.asked.count == 1)
            let event = try #require(try await client.search("source.name:pubsub", expecting: 2).first)
            #expect((event["source"] as? [String: Any])?["verified"] as? String == "jwt")
            #expect(try await Self.send(client, "3", issuer.token(["aud": "other"])).status == 401)
            #expect(try await Self.send(client, "4", issuer.token(isSigned: false)).status == 401)
        }
    }

    @Test("Without the keys the sender is asked to try again")
    func unavailable() async throws {
        try await Self.run { issuer, client in
            issuer.goDown()
            let answer = try await Self.send(client, "1", issuer.token())
            #expect(answer.status == 503 && answer.code == "identity_unavailable")
        }
    }

    @Test("The credential itself, which everybody may know, is no token")
    func publicCredential() async throws {
        try await Self.run { _, client in
            let answer = try await Self.send(client, "1", Self.secret)
            #expect(answer.status == 401)
        }
    }
}
