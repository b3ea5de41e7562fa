import Connectors
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import CustodyServer

@Suite("Connecting a source")
struct ConnectTests {
    private static func stages(_ answer: Answer) -> [String] {
        (answer["stages"] as? [[String: Any]] ?? []).map { "\($0["stage"] ?? "") \($0["state"] ?? "")" }
    }

    @Test("Guides name connectors that there are, ask for no word that is not filled in, and name rules of the pack")
    func guides() async throws {
        let guides = ConnectGuide.all
        #expect(guides.count >= 12 && Set(guides.map(\.id)).count == guides.count)
        let values = ConnectGuide.Values(name: "n", server: "https://h", secret: "s", token: "t")
        try await TestServer.run { server, client in
            let state = server.service.state
            let rules = try await client.send(.get, "/v1/rules").text
            for guide in guides {
                #expect(
                    guide.connector == "auto" || (try? state.catalogue.connector(named: guide.connector)) != nil,
                    "\(guide.id)")
                for text in guide.steps.flatMap({ [$0.text, $0.copy ?? ""] }) {
                    #expect(
                        values.filled(text).range(
                            of: #"\{(url|server|name|secret|token)\}"#, options: .regularExpression)
                            == nil)
                }
                for step in guide.steps { #expect(step.link.map { $0.hasPrefix("https://") } ?? true) }
                if let rule = guide.action?.rule { #expect(rules.contains(rule), "\(guide.id): \(rule)") }
            }
        }
    }

    @Test("A test delivery of every guide is verified, mapped and sealed like a real one, each time anew")
    func deliveries() async throws {
        try await TestServer.run { _, client in
            for guide in ConnectGuide.all where guide.test != nil {
                let secret = guide.credential == .secret ? #","generate_secret":true"# : ""
                let made = try await client.send(
                    .post, "/v1/sources", #"{"name":"\#(guide.id)","connector":"\#(guide.connector)"\#(secret)}"#)
                #expect(made.status == 201, "\(made.text)")
                for _ in 1...2 {
                    let answer = try await client.send(.post, "/v1/sources/\(guide.id)/test")
                    #expect(
                        answer["accepted"] as? Int == 1 && answer["duplicates"] as? Int == 0,
                        "\(guide.id): \(answer.text)")
                    #expect(Self.stages(answer).prefix(3) == ["received ok", "verified ok", "normalised ok"])
                }
                let events = try await client.search(
                    "source.name:=\(guide.id) action:* (actor:custody-test OR agent:custody-test) time:*", expecting: 2)
                let verified = events.map { ($0["source"] as? [String: Any])?["verified"] as? String }
                #expect(verified.allSatisfy { $0 == (guide.credential == .secret ? "hmac" : "token") }, "\(verified)")
            }
        }
    }

    @Test("Each stage says what it did or why not: a wrong signature, a broken body, a good delivery, a ping")
    func activity() async throws {
        try await TestServer.run { _, client in
            _ = try await client.send(
                .post, "/v1/sources", #"{"name":"gh","connector":"github-webhook","secret":"correct-horse-battery"}"#)
            let event = try #require(HTTPField.Name("X-GitHub-Event"))
            let signature = try #require(HTTPField.Name("X-Hub-Signature-256"))
            let wrong = try await client.send(
                .post, "/v1/hooks/gh", "{}", token: nil,
                headers: [event: "push", signature: "sha256=\(String(repeating: "0", count: 64))"])
            #expect(wrong.status == 401)
            _ = try await client.send(.post, "/v1/hooks/gh", "{\"action\":", headers: [event: "push"])
            #expect(try await client.send(.post, "/v1/sources/gh/test").status == 200)
            let shown = try await client.send(.get, "/v1/sources/gh/activity")
            let deliveries = try #require(shown["deliveries"] as? [[String: Any]])
            #expect(deliveries.count == 3, "\(shown.text)")
            func states(_ number: Int) -> [String] {
                (deliveries[number]["stages"] as? [[String: Any]] ?? []).map { "\($0["state"] ?? "")" }
            }
            #expect(states(2) == ["ok", "failed", "skipped", "skipped"])
            #expect(states(1) == ["ok", "ok", "failed", "skipped"])
            #expect(Array(states(0).prefix(3)) == ["ok", "ok", "ok"])
            #expect(shown.text.contains("the signature is wrong"))
            #expect(!shown.text.contains("correct-horse"))
            _ = try await client.search("source:custody action:source.test", expecting: 1)
        }
    }

    @Test("A source without a test delivery, a disabled one, an unknown one and a stranger are told so")
    func refusals() async throws {
        try await TestServer.run { _, client in
            _ = try await client.send(.post, "/v1/sources", #"{"name":"okta","connector":"okta-system-log"}"#)
            let none = try await client.send(.post, "/v1/sources/okta/test")
            #expect(none.status == 422 && none.code == "no_test_delivery")
            _ = try await client.send(.patch, "/v1/sources/okta", #"{"enabled":false}"#)
            #expect(try await client.send(.post, "/v1/sources/okta/test").status == 403)
            for path in ["/v1/sources/nobody/test", "/v1/sources/okta/test"] {
                #expect(try await client.send(.post, path, token: nil).status == 401)
            }
            #expect(try await client.send(.post, "/v1/sources/nobody/test").status == 404)
            #expect(try await client.send(.get, "/v1/sources/nobody/activity").status == 404)
            #expect(try await client.send(.get, "/v1/sources/okta/activity", token: nil).status == 401)
        }
    }

    @Test("Of each source the latest attempts are kept, of the sources those that were active last")
    func bounds() {
        let activity = SourceActivity()
        for second in 0..<SourceActivity.maximumSources + 1 {
            activity.note(
                DeliveryAttempt(received: Timestamp(seconds: Int64(second)), client: nil), source: "s\(second)")
        }
        #expect(activity.attempts(of: "s0").isEmpty && activity.attempts(of: "s1").count == 1)
        for second in 0..<SourceActivity.attemptsPerSource + 5 {
            activity.note(
                DeliveryAttempt(received: Timestamp(seconds: Int64(10_000 + second)), client: nil), source: "s9")
        }
        let kept = activity.attempts(of: "s9")
        #expect(kept.count == SourceActivity.attemptsPerSource && kept[0].received.seconds == 10_024)
        #expect(kept[0].number == 26)
    }
}
