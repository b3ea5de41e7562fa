import AccessControl
import Detection
import EventModel
import EventStore
import Foundation
import HTTPTypes
import HummingbirdTesting
import Identity
import Testing

@testable import CustodyServer

@Suite("Pages of alerts")
struct AlertPageTests {
    /// A protected branch's protection is taken away, for which the built-in rules have an alert.
    private static func raise(_ server: TestServer, _ client: any TestClientProtocol) async throws -> Alert {
        let body =
            #"{"action":"protected_branch.destroy","actor":"mal<b>lory","repo":"acme/api","@timestamp":1767225600000,"_document_id":"a1","org":"acme","created_at":1767225600000}"#
        _ = try await client.send(.post, "/v1/events?source=github", body)
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if let alert = try server.service.state.alerts.list().alerts.first { return alert }
            await Task.yield()
        }
        throw Problem.notFound("no alert came")
    }

    @Test("The queue lists it, its page says why, and forms take it to its end")
    func life() async throws {
        try await TestServer.run { server, client in
            let alert = try await Self.raise(server, client)
            let browser = try await Browser.signedIn(client)
            let list = try await browser.get("/alerts")
            #expect(list.text.contains("/alerts/\(alert.id)") && !list.text.contains("mal<b>lory"))
            let page = try await browser.get("/alerts/\(alert.id)")
            #expect(page.status == 200 && page.text.contains("Acknowledge") && page.text.contains("data-row"))
            #expect(!page.text.contains("mal<b>lory"))
            func post(_ act: String, _ fields: KeyValuePairs<String, String>) async throws -> Answer {
                try await browser.post("/alerts/\(alert.id)/\(act)", fields)
            }
            let token = browser.formToken
            #expect(try await post("ack", [:]).status == 403)
            #expect(try await post("ack", ["form_token": token]).status == 303)
            #expect(try await post("assign", ["form_token": token, "assignee": "ada"]).status == 303)
            #expect(try await post("comment", ["form_token": token, "comment": "<i>looking</i>"]).status == 303)
            let undecided = try await post("close", ["form_token": token])
            #expect(undecided.status == 400 && undecided.text.contains("Say what it turned out to be."))
            #expect(
                try await post("close", ["form_token": token, "verdict": "benign", "comment": "planned"]).status == 303)
            let again = try await post("ack", ["form_token": token])
            #expect(again.status == 400 && again.text.contains("role=\"alert\""))
            #expect(try await post("nonsense", ["form_token": token]).status == 404)
            let closed = try await browser.get("/alerts/\(alert.id)")
            #expect(closed.text.contains("Reopen") && closed.text.contains("&lt;i&gt;looking&lt;/i&gt;"))
            #expect(try await !browser.get("/alerts").text.contains(alert.id))
            #expect(try await browser.get("/alerts?status=all").text.contains(alert.id))
            #expect(try server.service.state.alerts.alert(alert.id).status == .closed)
            _ = try await client.search("source:custody action:alert.close", expecting: 1)
        }
    }

    @Test("Who only reads and audits sees no forms, and sending one is refused")
    func auditor() async throws {
        try await TestServer.run { server, client in
            let alert = try await Self.raise(server, client)
            let state = server.service.state
            let token = try state.tokens.create(name: "auditor", scopes: [.audit], now: state.now())
            let browser = try await Browser.signedIn(client, token: token.text)
            let page = try await browser.get("/alerts/\(alert.id)")
            #expect(page.status == 200 && !page.text.contains("/ack\""))
            let refused = try await browser.post("/alerts/\(alert.id)/ack", ["form_token": browser.formToken])
            #expect(refused.status == 403)
        }
    }

    @Test("An unknown alert, state or severity is told as such")
    func unknown() async throws {
        try await TestServer.run { _, client in
            let browser = try await Browser.signedIn(client)
            #expect(try await browser.get("/alerts/nothing").status == 404)
            #expect(try await browser.get("/alerts?status=strange").status == 400)
            #expect(try await browser.get("/alerts?severity=strange").status == 400)
            #expect(try await browser.get("/alerts").text.contains("Nothing to do."))
        }
    }
}
