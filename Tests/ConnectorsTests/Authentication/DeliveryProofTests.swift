import EventModel
import Testing

@testable import Connectors

@Suite("Deliveries of our own that prove themselves as a provider's do")
struct DeliveryProofTests {
    private static let now = Timestamp(seconds: 1_795_000_000)
    private static let secret = Array("correct-horse-battery".utf8)

    /// With the ids that some signatures cover.
    private static var delivery: Delivery {
        Delivery(
            headers: DeliveryHeaders([("webhook-id", "msg_1"), ("svix-id", "msg_2")]), body: Array("{\"a\":1}".utf8),
            received: now)
    }

    @Test("Whatever a connector of the catalogue can be shown is what it accepts, for this secret and body alone")
    func catalogue() throws {
        var ways: Set<Verification> = []
        for connector in ConnectorCatalogue.builtIn.connectors {
            var delivery = Self.delivery
            guard try connector.prove(&delivery, secret: Self.secret, now: Self.now) else { continue }
            let credential = SourceCredential(secrets: [Self.secret])
            let way = try connector.authenticate(delivery, credential: credential, now: Self.now)
            ways.insert(way)
            let other = SourceCredential(secrets: [Array("another-secret-of-some-length".utf8)])
            #expect(throws: ConnectorError.self, "\(connector.name)") {
                try connector.authenticate(delivery, credential: other, now: Self.now)
            }
            guard way == .hmac else { continue }
            delivery.body.append(0x20)
            #expect(throws: ConnectorError.self, "\(connector.name)") {
                try connector.authenticate(delivery, credential: credential, now: Self.now)
            }
        }
        #expect(ways == [.hmac, .token])
    }

    @Test("A delivery of a connector that asks for no proof stays as it is")
    func nothing() throws {
        let open = ConnectorCatalogue.builtIn.connectors.filter { !$0.isAuthenticated }
        #expect(!open.isEmpty)
        for connector in open {
            var delivery = Delivery(headers: DeliveryHeaders(), body: [], received: Self.now)
            #expect(try !connector.prove(&delivery, secret: Self.secret, now: Self.now), "\(connector.name)")
            #expect(delivery.headers.isEmpty)
        }
    }
}
