import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import CustodyServer

@Suite("Elasticsearch's protocol")
struct ElasticsearchRouteTests {
    private let product = HTTPField.Name("X-Elastic-Product")!

    private func items(_ answer: Answer) -> [[String: Any]] {
        (answer["items"] as? [[String: [String: Any]]] ?? []).compactMap(\.values.first)
    }

    @Test("Each action has its answer with the leaf index; what cannot be taken is refused alone and quarantined")
    func bulk() async throws {
        try await TestServer.run { _, client in
            let body = """
                {"create":{"_index":"audit","_id":"a"}}
                {"@timestamp":"2026-11-20T10:00:00Z","user":{"name":"mona"},"event":{"action":"repo.create"}}
                {"index":{}}
                {"broken":
                {"delete":{"_id":"a"}}
                {"index":{}}
                {"action":"repo.delete","actor":"eve"}

                """
            let answer = try await client.send(.post, "/audit/_bulk", body)
            #expect(answer.status == 200 && answer["errors"] as? Bool == true, "\(answer.text)")
            let items = items(answer)
            #expect(items.map { $0["status"] as? Int } == [201, 400, 400, 201])
            #expect(items.map { $0["_seq_no"] as? Int } == [0, nil, nil, 1])
            #expect(items.compactMap { $0["_index"] as? String } == Array(repeating: "audit", count: 4))
            #expect(items.first?["_id"] as? String == "a" && items.last?["_id"] as? String == "1")
            #expect(answer.headers[product] == "Elasticsearch")
            #expect(try await client.search("actor:mona", expecting: 1).count == 1)
            let kept = try await client.send(.get, "/v1/sources/quarantine")
            #expect((kept["entries"] as? [Any])?.count == 1)
            let again = try await client.send(
                .post, "/_bulk", body.split(separator: "\n").prefix(2).joined(separator: "\n"))
            #expect(self.items(again).first?["result"] as? String == "noop" && again["errors"] as? Bool == false)
        }
    }

    @Test("A body of one line feed more or less, with gzip or without, is one and the same; none at all is refused")
    func bodies() async throws {
        try await TestServer.run { _, client in
            let body = "{\"index\":{\"_id\":\"1\"}}\n{\"action\":\"a.b\"}"
            #expect(items(try await client.send(.post, "/_bulk", body + "\n"))[0]["status"] as? Int == 201)
            #expect(items(try await client.send(.put, "/_bulk", body))[0]["status"] as? Int == 200)
            let empty = try await client.send(.post, "/_bulk", "")
            #expect(
                empty.status == 400
                    && (empty["error"] as? [String: Any])?["reason"] as? String == "request body is required")
            let malformed = try await client.send(.post, "/_bulk", "{}\n{}\n")
            #expect((malformed["error"] as? [String: Any])?["type"] as? String == "illegal_argument_exception")
            #expect(malformed["status"] as? Int == 400)
        }
    }

    @Test(
        "What senders ask first is answered as they want it",
        arguments: [
            ("/", "version"), ("/_license", "license"), ("/_xpack", "features"), ("/_cluster/health", "status"),
            ("/_nodes/http", "nodes"), ("/_index_template/filebeat-8.19.0", ""), ("/_ilm/policy/filebeat", ""),
            ("/_data_stream/filebeat-8.19.0", ""), ("/_alias/logstash", ""), ("/_cat/health", ""),
        ])
    func questions(path: String, member: String) async throws {
        try await TestServer.run { _, client in
            let answer = try await client.send(.get, path)
            #expect(answer.status == 200 && answer.headers[product] == "Elasticsearch")
            #expect(member.isEmpty || answer[member] != nil, "\(answer.text)")
            #expect(try await client.send(.head, path).status == 200)
            let refused = try await client.send(.get, path, token: nil)
            #expect(
                refused.status == 401
                    && (refused["error"] as? [String: Any])?["type"] as? String == "security_exception")
            #expect(refused.headers[.wwwAuthenticate] != nil)
        }
    }

    @Test("Tokens come as API keys, in the password, or as bearer; the media type asked for is answered")
    func credentials() async throws {
        try await TestServer.run { _, client in
            let token = TestServer.adminToken
            let pair = Data("custody:\(token)".utf8).base64EncodedString()
            for header in ["ApiKey \(pair)", "ApiKey \(token)", "Basic \(pair)", "Bearer \(token)"] {
                let answer = try await client.send(
                    .get, "/", token: nil,
                    headers: [.authorization: header, .accept: "application/vnd.elasticsearch+json; compatible-with=9"])
                #expect(answer.status == 200, "\(header.prefix(6))")
                #expect(answer.headers[.contentType] == "application/vnd.elasticsearch+json;compatible-with=9")
            }
        }
    }

    @Test("A token that is bound to a source sends as that source, and as no other")
    func boundToken() async throws {
        try await TestServer.run { _, client in
            _ = try await client.send(.post, "/v1/sources", #"{"name":"beats"}"#)
            let made = try await client.send(
                .post, "/v1/tokens", #"{"name":"b","scopes":["ingest"],"sources":["beats"]}"#)
            let token = try #require(made["token"] as? String)
            let body = "{\"index\":{}}\n{\"action\":\"a.b\"}\n"
            #expect(try await client.send(.post, "/_bulk", body, token: token).status == 200)
            #expect(try await client.search("source.name:beats", expecting: 1).count == 1)
            let other = try await client.send(.post, "/_bulk?source=auto", body, token: token)
            #expect(
                other.status == 403 && (other["error"] as? [String: Any])?["type"] as? String == "security_exception")
        }
    }
}
