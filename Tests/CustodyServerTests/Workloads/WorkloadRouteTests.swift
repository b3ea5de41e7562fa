import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Synchronization
import Testing

@testable import CustodyServer

@Suite("Workload identities over HTTP")
struct WorkloadRouteTests {
    private static let event = #"{"id":"e1","action":"step.finish","actor":"mallory"}"#

    private static func run(
        _ issuer: TestIssuer = TestIssuer(), use: String = "once", more: String = "",
        now: @escaping @Sendable () -> Timestamp = WallClock.now,
        _ body: @escaping @Sendable (TestServer, TestIssuer, any TestClientProtocol) async throws -> Void
    ) async throws {
        try await TestServer.run(now: now, fetchKeys: issuer.fetch) { server, client in
            for name in ["ci", "other"] { _ = try await client.send(.post, "/v1/sources", #"{"name":"\#(name)"}"#) }
            let made = try await client.send(
                .post, "/v1/identities",
                #"{"name":"api","issuer":"\#(issuer.name)","audiences":["https://custody.example"],"claims":{"sub":["repo:acme/api:*"]},"source":"ci","use":"\#(use)"\#(more)}"#
            )
            #expect(made.status == 201, "\(made.text)")
            try await body(server, issuer, client)
        }
    }

    @Test("A good token sends as its source, says so on every event, and is good once")
    func once() async throws {
        try await Self.run { server, issuer, client in
            let token = try issuer.token()
            let answer = try await client.send(.post, "/v1/events", Self.event, token: token)
            #expect(answer.status == 200 && answer["accepted"] as? Int == 1, "\(answer.text)")
            let found = try await client.search("source.name:ci", expecting: 1)
            let source = found.first?["source"] as? [String: Any]
            #expect(source?["verified"] as? String == "jwt")
            let ext = found.first?["ext"] as? [String: Any]
            #expect(ext?["workload.subject"] as? String == "repo:acme/api:ref:refs/heads/main", "\(found)")
            #expect(ext?["workload.issuer"] as? String == issuer.name && ext?["workload.token"] as? String == "token-1")
            let again = try await client.send(.post, "/v1/events", Self.event, token: token)
            #expect(again.status == 401 && again.code == "used_credential")
            await server.service.state.audit.flush()
            let denied = try await client.search("source:custody action:access.deny", expecting: 1)
            #expect("\(denied)".contains("used before"))
        }
    }

    @Test("Of one token shown many times at once, one request is let in")
    func atOnce() async throws {
        try await Self.run { _, issuer, client in
            let token = try issuer.token()
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try await client.send(.post, "/v1/events", #"{"id":"p\#(number)"}"#, token: token).status
                    }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 200 } == 1 && statuses.count { $0 == 401 } == 7)
        }
    }

    @Test("A token is exchanged once for a session, which sends many deliveries and ends with the binding")
    func sessions() async throws {
        try await Self.run { _, issuer, client in
            let token = try issuer.token()
            let made = try await client.send(.post, "/v1/identities/session", token: token)
            #expect(made.status == 201 && made["sources"] as? [String] == ["ci"], "\(made.text)")
            let session = try #require(made["token"] as? String)
            #expect(try await client.send(.post, "/v1/identities/session", token: token).code == "used_credential")
            #expect(try await client.send(.post, "/v1/identities/session", token: session).status == 403)
            for number in 0..<3 {
                let answer = try await client.send(.post, "/v1/events", #"{"id":"s\#(number)"}"#, token: session)
                #expect(answer.status == 200)
            }
            #expect(
                try await client.send(.post, "/v1/events", Self.event, token: String(session.dropLast(3))).status == 401
            )
            #expect(try await client.send(.delete, "/v1/identities/api").status == 204)
            #expect(try await client.send(.post, "/v1/events", Self.event, token: session).code == "revoked_credential")
            _ = try await client.search("source:custody action:identity.exchange", expecting: 1)
            _ = try await client.search("source:custody action:identity.unbind", expecting: 1)
        }
    }

    @Test("A session ends when its token would have")
    func sessionEnds() async throws {
        let seconds = Mutex<Int64>(1_790_000_000)
        let now: @Sendable () -> Timestamp = { Timestamp(seconds: seconds.withLock { $0 }) }
        try await Self.run(now: now) { _, issuer, client in
            let made = try await client.send(.post, "/v1/identities/session", token: issuer.token(now: now()))
            let session = try #require(made["token"] as? String)
            seconds.withLock { $0 += 299 }
            #expect(try await client.send(.post, "/v1/events", Self.event, token: session).status == 200)
            seconds.withLock { $0 += 1 }
            #expect(try await client.send(.post, "/v1/events", Self.event, token: session).code == "expired_credential")
        }
    }

    @Test("What a token is bound to is all that its holder may do")
    func bounds() async throws {
        try await Self.run { _, issuer, client in
            #expect(
                try await client.send(.post, "/v1/events?source=other", Self.event, token: issuer.token()).status == 403
            )
            #expect(
                try await client.send(.post, "/v1/events?source=fresh", Self.event, token: issuer.token()).status == 403
            )
            #expect(try await client.send(.get, "/v1/search?q=*", token: issuer.token()).status == 403)
            #expect(try await client.send(.get, "/v1/identities", token: issuer.token()).status == 403)
            #expect(try await client.send(.post, "/v1/hooks/ci", Self.event, token: issuer.token()).status == 200)
            let bulk = try await client.send(
                .post, "/_bulk", "{\"create\":{}}\n{\"id\":\"b1\"}\n", token: issuer.token())
            #expect(bulk.status == 200, "\(bulk.text)")
        }
    }

    @Test("Tokens of another audience, subject, key, time or issuer are refused, and the record says why")
    func refusals() async throws {
        try await Self.run { server, issuer, client in
            let now = WallClock.now().seconds
            let bad: [(String, String, String)] = [
                (try issuer.token(["aud": "https://custody.example/"]), "unknown_credential", "does not fit api: aud"),
                (try issuer.token(["sub": "repo:evil/api:x"]), "unknown_credential", "does not fit api: sub"),
                (try issuer.token(["exp": now - 61]), "expired_credential", "the token has expired"),
                (try issuer.token(["nbf": now + 120]), "expired_credential", "the token is not valid yet"),
                (try issuer.token(isSigned: false), "unknown_credential", "no key of the issuer"),
                (try issuer.token(key: "k9"), "unknown_credential", "no key of the issuer"),
                (try TestIssuer("https://issuer.example/").token(), "unknown_credential", ""),
                (try TestIssuer("https://other.example").token(), "unknown_credential", ""),
            ]
            for (token, code, _) in bad {
                let answer = try await client.send(.post, "/v1/events", Self.event, token: token)
                #expect(answer.status == 401 && answer.code == code, "\(answer.text)")
                #expect(!answer.text.contains("repo:acme") && !answer.text.contains("\"api\""))
            }
            await server.service.state.audit.flush()
            let denials = try await client.search("source:custody action:access.deny", expecting: bad.count)
            var texts = ""
            for denial in denials {
                let index = try #require(denial["index"] as? Int)
                texts += try await client.send(.get, "/v1/events/\(index)/raw").text
            }
            for (_, _, reason) in bad { #expect(reason.isEmpty || texts.contains(reason), "\(reason)") }
            let listed = try await client.send(.get, "/v1/identities")
            let binding = (listed["identities"] as? [[String: Any]])?.first
            #expect(binding?["refused"] as? Int == 6 && binding?["accepted"] as? Int == 0, "\(listed.text)")
        }
    }

    @Test("Two authorities in one request are none")
    func headerSmuggling() async throws {
        try await Self.run { _, issuer, client in
            var headers = HTTPFields()
            headers[values: .authorization] = ["Bearer \(try issuer.token())", "Bearer \(TestServer.adminToken)"]
            let answer = try await client.send(.post, "/v1/events", Self.event, token: nil, headers: headers)
            #expect(answer.status == 401)
        }
    }

    @Test("While an issuer's keys cannot be read a sender is asked to wait, not turned away")
    func unavailable() async throws {
        let issuer = TestIssuer()
        issuer.goDown()
        try await Self.run(issuer) { _, issuer, client in
            let answer = try await client.send(.post, "/v1/events", Self.event, token: issuer.token())
            #expect(answer.status == 503 && answer.code == "identity_unavailable")
            #expect(answer.headers[.retryAfter] == "60")
            let hec = try await client.send(.post, "/services/collector", #"{"event":{}}"#, token: issuer.token())
            #expect(hec.status == 503)
        }
    }

    @Test("A token that lies in a file is good until it expires, when its binding says so")
    func lifetime() async throws {
        try await Self.run(use: "lifetime") { _, issuer, client in
            let token = try issuer.token()
            for number in 0..<3 {
                #expect(
                    try await client.send(.post, "/v1/events", #"{"id":"l\#(number)"}"#, token: token).status == 200)
            }
            #expect(try await client.send(.post, "/v1/identities/session", token: token).status == 201)
            #expect(try await client.send(.post, "/v1/identities/session", token: token).status == 201)
        }
    }

    @Test("A record of a build step speaks of the job that its token was made for, whatever it says itself")
    func job() async throws {
        try await Self.run { _, issuer, client in
            let step =
                #"{"id":"run-1","action":"step.finish","ci_system":"github-actions","repo":"acme/other","run_id":"1","actor":"mallory","actor_email":"m@example.com"}"#
            let token = try issuer.token(TestIssuer.job)
            #expect(try await client.send(.post, "/v1/events", step, token: token).status == 200)
            let event = try #require(try await client.search("source.name:ci", expecting: 1).first)
            let (vcs, ci) = (event["vcs"] as? [String: Any], event["ci"] as? [String: Any])
            #expect(vcs?["repo"] as? String == "acme/api" && ci?["run"] as? String == "77", "\(event)")
            let actor = event["actor"] as? [String: Any]
            #expect(actor?["name"] as? String == "octocat" && actor?["id"] as? String == "583231")
            #expect(actor?["email"] == nil && actor?["credential"] as? String == "token-1")
            #expect("\(event["norm"] ?? "")".contains("acme/other"))
        }
    }

    @Test("Only kinds that the binding names are taken; the rest is refused one by one")
    func kinds() async throws {
        try await Self.run(more: #","kinds":["generic"]"#) { _, issuer, client in
            let audit =
                #"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a1","stage":"ResponseComplete","verb":"get","user":{"username":"x"},"requestURI":"/"}"#
            let answer = try await client.send(.post, "/v1/events", audit + "\n" + Self.event, token: issuer.token())
            #expect(answer.status == 200 && answer["accepted"] as? Int == 1)
            #expect(answer.text.contains("may not send events of the kind kubernetes-audit"), "\(answer.text)")
        }
    }

    @Test("Bindings are made by who manages access, with sense, and each change is on record")
    func managing() async throws {
        try await Self.run { _, issuer, client in
            let base = #""issuer":"https://x.example","audiences":["a"],"claims":{"sub":["b"]}"#
            let bad = [
                (#"{"name":"n",\#(base),"source":"nowhere"}"#, "unknown_source"),
                (#"{"name":"n",\#(base),"source":"ci","use":"twice"}"#, "invalid_binding"),
                (#"{"name":"n",\#(base),"source":"ci","kinds":["no-such"]}"#, "unknown_connector"),
                (#"{"name":"n",\#(base),"source":"ci","jwks":"{}"}"#, "invalid_binding"),
                (#"{"name":"n",\#(base),"source":"ci","jwks":"{}","jwks_url":"https://x.example"}"#, "invalid_binding"),
                (#"{"name":"n","issuer":"i","audiences":[],"claims":{},"source":"ci"}"#, "invalid_binding"),
                (#"{"name":"api",\#(base),"source":"ci"}"#, "already_exists"),
            ]
            for (body, code) in bad {
                let answer = try await client.send(.post, "/v1/identities", body)
                #expect(answer.code == code, "\(answer.text)")
            }
            #expect(try await client.send(.post, "/v1/identities", "{}", token: nil).status == 401)
            let listed = try await client.send(.get, "/v1/identities")
            #expect(listed.text.contains("\"keys\":{\"count\":1,"))
            _ = try await client.search("source:custody action:identity.bind", expecting: 1)
            let metrics = try await client.send(.get, "/metrics")
            #expect(metrics.text.contains("custody_identity_binding_accepted_total{binding=\"api\"} 0"))
            #expect(try await client.send(.delete, "/v1/identities/none").status == 404)
        }
    }
}
