import HTTPTypes
import HummingbirdTesting
import Testing

@testable import CustodyServer

@Suite("Splunk's collector")
struct SplunkRouteTests {
    private static let channel = "fe0ecfad-13d5-401b-847d-77833bd77131"

    @Test("A channel's deliveries get ids that are acknowledged; ids of others are not")
    func acknowledgements() async throws {
        try await TestServer.run { _, client in
            let path = "/services/collector?channel=\(Self.channel)"
            for expected in 0...1 {
                let answer = try await client.send(.post, path, #"{"event":{"action":"a.b"}}"#)
                #expect(answer["ackId"] as? Int == expected && answer["code"] as? Int == 0)
            }
            let header: HTTPFields = [HTTPField.Name("X-Splunk-Request-Channel")!: Self.channel.uppercased()]
            let asked = try await client.send(
                .post, "/services/collector/ack", #"{"acks":[0,1,2]}"#, headers: header)
            #expect(asked["acks"] as? [String: Bool] == ["0": true, "1": true, "2": false])
            let other = try await client.send(
                .post, "/services/collector/ack?channel=00000000-13d5-401b-847d-77833bd77131", #"{"acks":[0]}"#)
            #expect(other["acks"] as? [String: Bool] == ["0": false])
            #expect(try await client.send(.post, "/services/collector", #"{"event":{"a":1}}"#)["ackId"] == nil)
        }
    }

    @Test(
        "Bad requests are answered in Splunk's numbers",
        arguments: [
            ("/services/collector/ack", #"{"acks":[0]}"#, 10), ("/services/collector/ack?channel=x", "{}", 11),
            ("/services/collector?channel=x", #"{"event":{}}"#, 11), ("/services/collector", "", 5),
            ("/services/collector", "nonsense", 6), ("/services/collector", #"{"time":1}"#, 12),
            ("/services/collector", #"{"event":""}"#, 13),
            ("/services/collector/ack?channel=fe0ecfad-13d5-401b-847d-77833bd77131", "[]", 6),
        ])
    func codes(path: String, body: String, code: Int) async throws {
        try await TestServer.run { _, client in
            let answer = try await client.send(.post, path, body)
            #expect(answer.status == 400 && answer["code"] as? Int == code, "\(answer.text)")
        }
    }

    @Test("A token in the query, a revoked one and a source that is not there have their own codes")
    func credentials() async throws {
        try await TestServer.run { _, client in
            let query = try await client.send(.post, "/services/collector?token=x", "{}", token: nil)
            #expect(query.status == 400 && query["code"] as? Int == 16)
            let made = try await client.send(.post, "/v1/tokens", #"{"name":"t","scopes":["ingest"]}"#)
            let token = try #require(made["token"] as? String)
            let event = #"{"event":{"a":1}}"#
            let nowhere = try await client.send(.post, "/services/collector?source=nowhere", event, token: token)
            #expect(nowhere.status == 400 && nowhere["code"] as? Int == 7)
            let id = try #require(made["id"] as? String)
            #expect(try await client.send(.delete, "/v1/tokens/\(id)").status < 300)
            let revoked = try await client.send(.post, "/services/collector", event, token: token)
            #expect(revoked.status == 403 && revoked["code"] as? Int == 1)
        }
    }

    @Test(
        "Good events of a delivery are kept beside bad ones; the envelope's time and host count where the event has none"
    )
    func mixed() async throws {
        try await TestServer.run { _, client in
            let body =
                #"{"time":1763632800.5,"host":"web-1","event":{"action":"repo.create","actor":"mona"}} {"event":""}"#
            #expect(try await client.send(.post, "/services/collector", body)["code"] as? Int == 0)
            let found = try await client.search("actor:mona", expecting: 1)
            #expect(found.first?["time"] as? String == "2025-11-20T10:00:00.500Z")
            #expect(found.first?["time_basis"] as? String == "header")
            #expect((found.first?["source"] as? [String: Any])?["instance"] as? String == "web-1")
        }
    }

    @Test("The channels that are remembered are bounded; the one unused longest goes first")
    func bounded() {
        let channels = CollectorChannels(limit: 2)
        #expect(channels.acknowledgement(in: "a") == 0 && channels.acknowledgement(in: "b") == 0)
        #expect(channels.areAcknowledged([0], in: "a") == [true])
        #expect(channels.acknowledgement(in: "c") == 0)
        #expect(channels.areAcknowledged([0], in: "b") == [false] && channels.areAcknowledged([0], in: "a") == [true])
    }
}
