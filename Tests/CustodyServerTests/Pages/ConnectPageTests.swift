import AccessControl
import Crypto
import Detection
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Identity
import NIOCore
import Testing

@testable import CustodyServer

@Suite("Pages of connecting")
struct ConnectPageTests {
    @Test("From the choice to a delivery that was verified, with a secret that is shown once")
    func github() async throws {
        try await TestServer.run { server, client in
            let browser = try await Browser.signedIn(client)
            let choice = try await browser.get("/connect")
            #expect(choice.status == 200 && choice.text.contains("/connect/github-organisation"))
            let form = try await browser.get("/connect/github-organisation")
            #expect(form.text.contains("value=\"github-organisation\""))
            #expect(try await browser.post("/connect/github-organisation", ["name": "gh"]).status == 403)
            let made = try await browser.post(
                "/connect/github-organisation", ["form_token": browser.formToken, "name": "gh"])
            #expect(made.status == 200, "\(made.text)")
            let secret = try #require(server.service.state.sources.source(named: "gh")?.secret)
            #expect(made.text.contains(secret) && made.text.contains("/v1/hooks/gh"))
            let later = try await browser.get("/sources/gh")
            #expect(later.status == 200 && !later.text.contains(secret) && later.text.contains("Make another secret"))
            #expect(!later.text.contains("{secret}") && !later.text.contains("data-copy=\"copy-4\""))
            let tested = try await browser.post("/sources/gh/test", ["form_token": browser.formToken])
            #expect(tested.status == 303 && tested.headers[.location] == "/sources/gh")
            let seen = try await browser.get("/sources/gh")
            #expect(seen.text.contains("by hmac") && seen.text.contains("1 event"), "\(seen.text)")
            _ = try await client.search("source:custody action:(source.add OR source.test)", expecting: 2)
        }
    }

    @Test("A closed browser loses nothing: the name is taken, the page goes on with it, and another secret is made")
    func again() async throws {
        try await TestServer.run { server, client in
            let browser = try await Browser.signedIn(client)
            let fields: KeyValuePairs = ["form_token": browser.formToken, "name": "gh"]
            _ = try await browser.post("/connect/github-organisation", fields)
            let first = try #require(server.service.state.sources.source(named: "gh")?.secret)
            let twice = try await browser.post("/connect/github-organisation", fields)
            #expect(twice.status == 400 && twice.text.contains("href=\"/sources/gh\""), "\(twice.text)")
            let renewed = try await browser.post("/sources/gh/renew", ["form_token": browser.formToken])
            let second = try #require(server.service.state.sources.source(named: "gh")?.secret)
            #expect(renewed.text.contains(second) && first != second)
            let wrong = try await browser.post(
                "/connect/github-organisation", ["form_token": browser.formToken, "name": "<b>"])
            #expect(wrong.status == 400 && wrong.text.contains("&lt;b&gt;") && !wrong.text.contains("<b>"))
        }
    }

    @Test("A source that is set up by half shows what is missing: nothing yet, the wrong secret, then the right one")
    func half() async throws {
        try await TestServer.run { server, client in
            let browser = try await Browser.signedIn(client)
            let fields: KeyValuePairs = ["form_token": browser.formToken, "name": "gh"]
            _ = try await browser.post("/connect/github-organisation", fields)
            let lost = try #require(server.service.state.sources.source(named: "gh")?.secret)
            #expect(try await browser.get("/sources").text.contains("waits for its first event"))
            #expect(try await browser.get("/sources/gh").text.contains("Nothing has arrived yet."))
            let kind = try #require(HTTPField.Name("X-GitHub-Event"))
            let signature = try #require(HTTPField.Name("X-Hub-Signature-256"))
            @Sendable func deliver(_ id: String, secret: String?) async throws -> Int {
                let body =
                    #"{"action":"created","rule":{"name":"\#(id)"},"repository":{"full_name":"acme/api"},"sender":{"login":"ada"}}"#
                var headers: HTTPFields = [kind: "branch_protection_rule", .contentType: "application/json"]
                if let secret {
                    let mac = HMAC<SHA256>.authenticationCode(
                        for: Data(body.utf8), using: SymmetricKey(data: Data(secret.utf8)))
                    headers[signature] = "sha256=" + mac.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                }
                return try await client.send(.post, "/v1/hooks/gh", body, token: nil, headers: headers).status
            }
            #expect(try await deliver("a", secret: nil) == 401)
            #expect(try await deliver("b", secret: "typed-wrong-at-the-provider") == 401)
            let refused = try await browser.get("/sources/gh").text
            #expect(refused.contains("the signature is wrong") && refused.contains("class=\"failed\""))
            #expect(try await browser.get("/sources").text.contains("waits for its first event"))
            _ = try await browser.post("/sources/gh/renew", ["form_token": browser.formToken])
            let secret = try #require(server.service.state.sources.source(named: "gh")?.secret)
            #expect(try await deliver("c", secret: secret) < 300)
            // Whoever has typed in the first secret meanwhile loses nothing either.
            #expect(try await deliver("d", secret: lost) < 300)
            _ = try await client.search("source.name:gh", expecting: 2)
            #expect(try await browser.get("/sources").text.contains("sends"))
        }
    }

    @Test("The alert that the guide's action has to raise is shown on the page of its source, and of no other")
    func alert() async throws {
        try await TestServer.run { server, client in
            let browser = try await Browser.signedIn(client)
            for name in ["gh", "other"] {
                _ = try await browser.post(
                    "/connect/github-organisation", ["form_token": browser.formToken, "name": name])
            }
            let kind = try #require(HTTPField.Name("X-GitHub-Event"))
            let secret = try #require(server.service.state.sources.source(named: "gh")?.secret)
            let body =
                #"{"action":"deleted","rule":{"id":1,"name":"custody-test","required_status_checks":[]},"repository":{"full_name":"acme/api"},"sender":{"login":"ada"}}"#
            let mac = HMAC<SHA256>.authenticationCode(
                for: Data(body.utf8), using: SymmetricKey(data: Data(secret.utf8)))
            let signature = try #require(HTTPField.Name("X-Hub-Signature-256"))
            let sent = try await client.send(
                .post, "/v1/hooks/gh", body, token: nil,
                headers: [
                    kind: "branch_protection_rule",
                    signature: "sha256=" + mac.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(),
                ])
            #expect(sent.status < 300, "\(sent.text)")
            func found() throws -> Alert? {
                try server.service.state.alerts.list().alerts.first { $0.sourceName == "gh" }
            }
            let deadline = ContinuousClock.now + .seconds(60)
            while try found() == nil, ContinuousClock.now < deadline { await Task.yield() }
            let alert = try #require(try found())
            #expect(alert.ruleTitle == "Branch protection removed or overridden")
            let page = try await browser.get("/sources/gh").text
            #expect(page.contains("href=\"/alerts/\(alert.id)\""))
            // The page's script follows what is on record of alerts.
            #expect(page.contains("data-stream=\"/v1/tail?q=source%3Acustody%20action%3Aalert.open\""))
            #expect(try await !browser.get("/sources/other").text.contains("/alerts/\(alert.id)"))
        }
    }

    @Test("Where a system sends a header, a token for this source alone is made; any kind can be chosen")
    func token() async throws {
        try await TestServer.run { server, client in
            let browser = try await Browser.signedIn(client)
            let made = try await browser.post(
                "/connect/anything", ["form_token": browser.formToken, "name": "okta", "connector": "okta-system-log"])
            #expect(made.status == 200 && made.text.contains("Authorization: Bearer "))
            #expect(server.service.state.sources.source(named: "okta")?.connector == "okta-system-log")
            // Its connector would misread what the guide for anything sends.
            #expect(!made.text.contains("Send test event"))
            let tokens = server.service.state.tokens.list().filter { $0.name == "okta" }
            #expect(tokens.count == 1 && tokens.first?.sources == ["okta"] && tokens.first?.scopes == [.ingest])
            let fetched = try await browser.post(
                "/connect/github-fetched", ["form_token": browser.formToken, "name": "acme"])
            #expect(fetched.text.contains("custody source connect acme --register"))
            // The same connector has two guides: the page goes on with the one that was begun.
            #expect(try await browser.get("/sources/acme").text.contains("custody source connect acme --register"))
            #expect(try await browser.get("/connect/nothing").status == 404)
            #expect(try await browser.get("/sources/nobody").status == 404)
        }
    }

    @Test("Addresses that nothing outside can reach are told apart")
    func addresses() {
        func isPrivate(_ authority: String) -> Bool {
            ServerAddress(
                .init(
                    head: .init(method: .get, scheme: "http", authority: authority, path: "/"),
                    body: .init(buffer: .init())), isTLS: false
            ).isPrivate
        }
        for host in ["localhost:8400", "127.0.0.1", "10.1.2.3:80", "[::1]:8400", "[fd00::1]", "custody", "a.local"] {
            #expect(isPrivate(host), "\(host)")
        }
        for host in ["custody.example.org", "203.0.113.7:443", "[2001:db8::1]:443", "172.32.0.1"] {
            #expect(!isPrivate(host), "\(host)")
        }
    }
}
