import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import CustodyServer

/// Searches as anybody may send them: answered, or refused with what is wrong.
@Suite("Searches from outside") struct SearchInputTests {
    private static let events = (1...30).map {
        #"{"id":"e\#($0)","actor":"dev-\#($0 % 3)","action":"repo.push","note":"word\#($0)"}"#
    }

    private static func body(_ members: [String: Any]) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: members), as: UTF8.self)
    }

    private static func send(_ members: [String: Any], _ client: any TestClientProtocol) async throws -> Answer {
        try await client.send(.post, "/v1/search", body(members), headers: [.contentType: "application/json"])
    }

    @Test("What is too large, too deep or no query is refused by name")
    func monsters() async throws {
        let queries: [(String, String)] = [
            (String(repeating: "a", count: 16 * 1_024 + 1), "query_too_long"),
            (String(repeating: "(", count: 65) + "a" + String(repeating: ")", count: 65), "query_too_deep"),
            (String(repeating: "-(", count: 4_000) + "a" + String(repeating: ")", count: 4_000), "query_too_deep"),
            ((0...1_000).map { "w\($0)" }.joined(separator: " OR "), "query_too_many"),
            ("actor:/((a{100}){100}){100}/", "query_malformed_regex"),
            ("actor:/(/", "query_malformed_regex"),
            ("* | limit -1", "query_out_of_range"), ("* | top 99999 actor", "query_out_of_range"),
            ("* | timechart span=0s count", "query_malformed_time"),
            ("actr:x", "query_unknown_field"), ("* | frobnicate", "query_unknown_stage"),
            ("\"a", "query_unterminated_quote"),
        ]
        try await TestServer.run { _, client in
            for (query, code) in queries {
                let answer = try await Self.send(["q": query], client)
                #expect(answer.status == 400, "\(query.prefix(40))")
                #expect(answer.code == code, "\(query.prefix(40)): \(answer.text.prefix(300))")
            }
            let large = try await Self.send(["q": String(repeating: "a", count: 10_000_000)], client)
            #expect(large.status == 413 && large.code == "too_large")
            let deep = try await client.send(.post, "/v1/search", String(repeating: "[", count: 500_000))
            #expect(deep.status == 400 && deep.code == "malformed")
            // The server goes on.
            #expect(try await Self.send(["q": "*"], client).status == 200)
        }
    }

    @Test("Members of the wrong kind or out of range are refused by name")
    func members() async throws {
        try await TestServer.run { _, client in
            let wrong: [([String: Any], String)] = [
                (["limit": -1], "invalid_limit"), (["limit": 0], "invalid_limit"), (["limit": 10_001], "invalid_limit"),
                (["limit": "x"], "wrong_type"), (["limit": 1e30], "malformed"),
                (["order": "sideways"], "invalid_order"),
                (["since": "never"], "invalid_time"), (["cursor": "00"], "invalid_cursor"),
                (["cursor": String(repeating: "0", count: 116)], "invalid_cursor"),
                (["cursor": String(repeating: "é", count: 116)], "invalid_cursor"),
            ]
            for (members, code) in wrong {
                let answer = try await Self.send(members.merging(["q": "*"]) { $1 }, client)
                #expect(answer.status == 400 && answer.code == code, "\(members): \(answer.text)")
            }
        }
    }

    @Test("A cursor that was changed in any place, or belongs to another query, order or reader, is none")
    func tamperedCursors() async throws {
        try await TestServer.run { _, client in
            let sent = try await client.send(.post, "/v1/events", Self.events.joined(separator: "\n"))
            #expect(sent.status == 200)
            _ = try await client.search("repo.push", expecting: 30)
            let first = try await Self.send(["q": "repo.push", "limit": 4], client)
            let cursor = try #require(first["cursor"] as? String)
            for place in cursor.indices {
                let other = cursor[place] == "0" ? "1" : "0"
                let changed = cursor.replacingCharacters(in: place...place, with: other)
                let answer = try await Self.send(["q": "repo.push", "limit": 4, "cursor": changed], client)
                #expect(
                    answer.code == "invalid_cursor", "changed at \(cursor.distance(from: cursor.startIndex, to: place))"
                )
            }
            for members in [["q": "repo.push word1"], ["q": "repo.push", "order": "oldest"], ["q": "*"]] {
                let answer = try await Self.send(members.merging(["cursor": cursor]) { $1 }, client)
                #expect(answer.code == "invalid_cursor")
            }
            let second = try await Self.send(["q": "repo.push", "limit": 4, "cursor": cursor], client)
            #expect((second["events"] as? [Any])?.count == 4)
        }
    }

    @Test("Pages are those of the moment of the first, whatever is taken in meanwhile")
    func pagesUnderIntake() async throws {
        try await TestServer.run { _, client in
            _ = try await client.send(.post, "/v1/events", Self.events.joined(separator: "\n"))
            _ = try await client.search("repo.push", expecting: 30)
            var (indexes, cursor): ([Int], String?) = ([], nil)
            repeat {
                var members: [String: Any] = ["q": "repo.push", "limit": 7]
                members["cursor"] = cursor
                let page = try await Self.send(members, client)
                indexes += (page["events"] as? [[String: Any]] ?? []).compactMap { $0["index"] as? Int }
                cursor = page["cursor"] as? String
                let number = 100 + indexes.count
                let more = #"{"id":"m\#(number)","actor":"late-\#(number)","action":"repo.push"}"#
                #expect(try await client.send(.post, "/v1/events", more).status == 200)
                _ = try await client.search("actor:late-\(number)", expecting: 1)
            } while cursor != nil
            #expect(Set(indexes).count == 30 && indexes.count == 30)
        }
    }

    @Test("explain tells plan, bytes and time, over HTTP by GET and POST")
    func explanation() async throws {
        try await TestServer.run { _, client in
            _ = try await client.send(.post, "/v1/events", Self.events.joined(separator: "\n"))
            _ = try await client.search("repo.push", expecting: 30)
            let posted = try await Self.send(["q": "actor:dev-1 word1 | stats count", "explain": true], client)
            let got = try await client.send(.get, "/v1/search?explain=true&q=actor%3Adev-1%20word1")
            for answer in [posted, got] {
                let text = try #require(answer["explain"] as? String)
                for part in [
                    "plan      scope: ",
                    "plan      query: column actor.name, actor.id, actor.email and index of tokens",
                    "step      column actor.name: ", " ms, ", " bytes, ", "total     ",
                ] { #expect(text.contains(part), "\(part) in \(text)") }
            }
            #expect(try await client.send(.get, "/v1/search?q=*&explain=false")["explain"] as? String == nil)
        }
    }
}
