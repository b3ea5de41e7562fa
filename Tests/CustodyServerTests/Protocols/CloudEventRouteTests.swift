import HTTPTypes
import HummingbirdTesting
import Testing

@testable import CustodyServer

@Suite("CloudEvents over HTTP")
struct CloudEventRouteTests {
    private let event =
        #"{"specversion":"1.0","id":"1","source":"/ci","type":"dev.build.done","time":"2026-11-20T10:00:00Z","data":{"actor":"mona"}}"#

    @Test("One event in the binary and in the structured mode is one event; a batch keeps what is good")
    func modes() async throws {
        try await TestServer.run { _, client in
            let structured: HTTPFields = [.contentType: "application/cloudevents+json"]
            let first = try await client.send(.post, "/v1/cloudevents", event, headers: structured)
            #expect(first.status == 200 && first["accepted"] as? Int == 1, "\(first.text)")
            #expect(try await client.send(.get, "/v1/events/0/raw").text == event)
            #expect(try await client.search("actor:mona source.event_type:dev.build.done", expecting: 1).count == 1)
            #expect(
                try await client.send(.post, "/v1/cloudevents", event, headers: structured)["duplicates"] as? Int == 1)
            var binary: HTTPFields = [.contentType: "text/plain"]
            for (name, value) in [("ce-specversion", "1.0"), ("ce-id", "2"), ("ce-source", "/ci"), ("ce-type", "t.u")] {
                binary[try #require(HTTPField.Name(name))] = value
            }
            #expect(try await client.send(.post, "/v1/cloudevents", "hello", headers: binary)["accepted"] as? Int == 1)
            #expect(try await client.search("source.event_type:t.u raw.data:hello", expecting: 1).count == 1)
            let batch = try await client.send(
                .post, "/v1/cloudevents", "[\(event.replacing("\"1\"", with: "\"3\"")),{}]",
                headers: [.contentType: "application/cloudevents-batch+json"])
            #expect(batch["accepted"] as? Int == 1 && (batch["rejected"] as? [Any])?.count == 1)
        }
    }

    @Test("What is no CloudEvent is refused; permission to send is given to who asks")
    func refusals() async throws {
        try await TestServer.run { _, client in
            let none = try await client.send(
                .post, "/v1/cloudevents", "{}", headers: [.contentType: "application/json"])
            #expect(none.status == 400 && none.code == "malformed")
            #expect(try await client.send(.post, "/v1/cloudevents", event, token: nil).status == 401)
            let origin = try #require(HTTPField.Name("WebHook-Request-Origin"))
            let asked = try await client.send(.options, "/v1/cloudevents", token: nil, headers: [origin: "ci.example"])
            #expect(asked.headers[try #require(HTTPField.Name("WebHook-Allowed-Origin"))] == "*")
        }
    }
}
