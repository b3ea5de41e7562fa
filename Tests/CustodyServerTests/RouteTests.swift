import Foundation
import HTTPTypes
import Hummingbird
import Testing

@testable import CustodyServer

@Suite("Routes")
struct RouteTests {
    @Test(
        "A method that a route does not take is answered 405 with those that it takes, before anybody asks for a token",
        arguments: [
            ("/v1/events", "GET", "POST"), ("/v1/events/7/raw", "DELETE", "GET, HEAD"),
            ("/v1/search", "PUT", "GET, HEAD, POST"), ("/healthz", "POST", "GET, HEAD"),
            ("/ledger/tile/0/000", "TRACE", "GET, HEAD"), ("/v1/sources/ci", "POST", "GET, HEAD, PATCH"),
            ("/v1/sources/quarantine", "PATCH", "GET, HEAD"),
        ])
    func wrongMethod(path: String, method: String, allowed: String) async throws {
        try await TestServer.run { _, client in
            let answer = try await client.send(#require(HTTPRequest.Method(method)), path, token: nil)
            #expect(answer.status == 405)
            #expect(answer.headers[.allow] == allowed)
            #expect(answer.headers[.contentType] == "application/problem+json")
            #expect(answer.code == "method_not_allowed")
        }
    }

    @Test("What can be got can be asked about without its body")
    func head() async throws {
        try await TestServer.run { _, client in
            let answer = try await client.send(.head, "/healthz", token: nil)
            #expect(answer.status == 200 && answer.text.isEmpty)
            #expect(try await client.send(.head, "/metrics", token: nil).status == 401)
        }
    }

    @Test("Blanks of a query may be written as forms write them; a plus itself is encoded")
    func formQuery() async throws {
        try await TestServer.run { _, client in
            let sent = try await client.send(
                .post, "/v1/events?source=forms", #"{"id":"1","actor":"a+b","action":"code.push"}"#)
            #expect(sent.status == 200 && sent["accepted"] as? Int == 1, "\(sent.text)")
            _ = try await client.search("actor:a+b", expecting: 1)
            for (query, canonical) in [
                ("actor:=a%2Bb+outcome:*", "actor:=a+b outcome:*"),
                ("actor:=a%2Bb%20outcome:*", "actor:=a+b outcome:*"),
            ] {
                let answer = try await client.send(.get, "/v1/search?q=\(query)&since=2000-01-01")
                #expect(answer.status == 200, "\(answer.text)")
                #expect((answer["canonical"] as? String)?.contains(canonical) == true, "\(answer.text)")
            }
            let stage = try await client.send(.get, "/v1/search?q=actor:=a%2Bb+|+stats+count&since=2000-01-01")
            #expect((stage["rows"] as? [[Int]]) == [[1]], "\(stage.text)")
        }
    }

    @Test("A path that nothing stands under is 404 with every method")
    func unknownPath() async throws {
        try await TestServer.run { _, client in
            for method in [HTTPRequest.Method.get, .post, .delete] {
                let answer = try await client.send(method, "/v1/nothing", token: nil)
                #expect(answer.status == 404 && answer.code == "not_found")
            }
        }
    }

    @Test("A 401 always says how to authenticate")
    func challenge() async throws {
        try await TestServer.run { _, client in
            for token in [nil, "wrong"] as [String?] {
                let answer = try await client.send(.get, "/v1/search?q=*", token: token)
                #expect(answer.status == 401)
                #expect(answer.headers[.wwwAuthenticate]?.hasPrefix("Bearer") == true)
            }
        }
    }

    @Test(
        "A count that is no number of its range is refused by name; an empty one is absent",
        arguments: ["0", "1001", "x"])
    func counts(value: String) async throws {
        try await TestServer.run { _, client in
            _ = try await client.send(.post, "/v1/events", "{\"id\":\"1\"}")
            for path in ["/v1/alerts", "/v1/sources/quarantine", "/v1/fields/actor/values"] {
                let answer = try await client.send(.get, "\(path)?limit=\(value)")
                #expect(answer.status == 400 && answer.code == "invalid_limit", "\(path)")
                #expect(try await client.send(.get, "\(path)?limit=").status == 200)
            }
            #expect(try await client.send(.get, "/v1/events/0/context?events=\(value)").code == "invalid_events")
        }
    }

    @Test("A failure that repeats is in the log once a minute, one that nobody foresaw each time")
    func logging() {
        let failures = LoggedFailures()
        let now = ContinuousClock.now
        #expect(failures.isWorthALine("disk_full", now: now))
        #expect(!failures.isWorthALine("disk_full", now: now + .seconds(59)))
        #expect(failures.isWorthALine("disk_failed", now: now))
        #expect(failures.isWorthALine("disk_full", now: now + .seconds(60)))
        #expect(failures.isWorthALine("internal", now: now) && failures.isWorthALine("internal", now: now))
    }

    @Test("openapi.yaml describes every route and nothing else, and is what the server hands out")
    func described() async throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let place = root.appending(path: "openapi.yaml")
        // One text, so that they cannot drift apart.
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: place.path)
                == "Sources/CustodyServer/Assets/openapi.yaml")
        let text = try String(contentsOf: place, encoding: .utf8)
        var described: Set<String> = []
        var path = ""
        for line in text.split(separator: "\n").drop(while: { $0 != "paths:" }).dropFirst() {
            guard line.hasPrefix(" ") else { break }
            if line.hasPrefix("  /") {
                path = line.trimmingCharacters(in: [" ", ":"]).replacing("/ledger/tile/{path}", with: "/ledger/tile/**")
            }
            for method in ["get", "post", "put", "patch", "delete", "options"] where line == "    \(method):" {
                described.insert(method.uppercased() + " " + path)
            }
        }
        try await TestServer.run { [described] server, client in
            let routes = CustodyApplication(server.service.state).router().routes
            let found = Set(routes.map { "\($0.method.rawValue) \($0.path)" })
            // The witness of other logs is there only where one is configured; its own suite asks it.
            let described = described.filter { !$0.contains(" /witness/") }
            #expect(found == described, "\(found.symmetricDifference(described))")
            let served = try await client.send(.get, "/openapi.yaml", token: nil)
            #expect(served.text == text)
        }
    }
}
