import AccessControl
import Delivery
import Detection
import EventModel
import Foundation
import HTTPTypes
import HummingbirdTesting
import Identity
import Testing

@testable import CustodyServer

@Suite("Pages of destinations")
struct DestinationPageTests {
    private static let rule = """
        title: Repository deleted
        id: 3c1f0b1e-6a57-4f0e-9d55-0d1c9b7f0a01
        status: stable
        level: high
        logsource: {category: supply_chain}
        detection: {s: {custody.action: repo.delete}, condition: s}
        """

    /// A command that fails, or not, configured in the file.
    private static func command(_ program: String) -> DestinationSettings {
        var settings = DestinationSettings()
        (settings.name, settings.kind, settings.command) = ("ticket", "command", [program])
        return settings
    }

    @Test("From nothing to a chat that is tested and removed; what is secret is never shown")
    func life() async throws {
        try await TestServer.run { server, client in
            let browser = try await Browser.signedIn(client)
            let empty = try await browser.get("/destinations")
            #expect(empty.status == 200 && empty.text.contains("Nobody is called yet"))
            for form in DestinationForm.all {
                let page = try await browser.get("/new-destination/\(form.kind.rawValue)")
                #expect(page.status == 200 && page.text.contains("name=\"minimum_severity\""))
                for input in form.inputs { #expect(page.text.contains("name=\"\(input.name)\"")) }
            }
            #expect(try await browser.get("/").text.contains("href=\"/destinations\">Choose"))
            #expect(try await browser.get("/alerts").text.contains("href=\"/destinations\""))
            let fields: KeyValuePairs = [
                "form_token": browser.formToken, "name": "our chat/1", "url": "https://127.0.0.1:9/services/T0SECRET",
                "minimum_severity": "high", "sources": "github-*, prod", "wait": "0",
            ]
            let added = try await browser.post("/new-destination/slack", fields)
            #expect(added.status == 200 && added.text.contains("Added.") && !added.text.contains("T0SECRET"))
            #expect(added.text.contains("severity high and above, from github-* or prod"))
            let settings = try server.service.state.notifications.destinations.entry(named: "our chat/1").settings
            #expect(
                settings.url == "https://127.0.0.1:9/services/T0SECRET" && settings.sources == ["github-*", "prod"])
            #expect(settings.grouping?.wait == "0" && settings.title == nil)

            let twice = try await browser.post("/new-destination/slack", fields)
            #expect(twice.status == 400 && twice.text.contains("There is a destination our chat/1 already."))
            #expect(!twice.text.contains("T0SECRET") && twice.text.contains("Type it again"))
            let wrong = try await browser.post(
                "/new-destination/slack",
                ["form_token": browser.formToken, "name": "<b>", "url": "ftp://a.example", "minimum_severity": "high"])
            #expect(wrong.status == 400 && wrong.text.contains("&lt;b&gt;") && !wrong.text.contains("<b>"))

            let path = "/destinations/our%20chat%2F1"
            let list = try await browser.get("/destinations").text
            #expect(list.contains("href=\"\(path)\"") && list.contains("nothing sent yet"))
            #expect(!list.contains("T0SECRET"))
            let tested = try await browser.post("\(path)/test", ["form_token": browser.formToken])
            #expect(tested.status == 200 && tested.text.contains("The test message was not taken."), "\(tested.text)")
            #expect(tested.text.contains("allowed_targets: [&quot;127.0.0.1&quot;]"))
            #expect(try await browser.post("\(path)/test", [:]).status == 403)
            let removed = try await browser.post("\(path)/remove", ["form_token": browser.formToken])
            #expect(removed.status == 303 && removed.headers[.location] == "/destinations?removed=1")
            #expect(try await browser.get("/destinations?removed=1").text.contains("It was removed"))
            #expect(try await browser.get(path).status == 404)
            _ = try await client.search(
                "source:custody action:(destination.add OR destination.test OR destination.remove)", expecting: 3)
        }
    }

    @Test("A webhook's secret is made when none is given, shown once, and signs")
    func webhook() async throws {
        try await TestServer.run { server, client in
            let browser = try await Browser.signedIn(client)
            let added = try await browser.post(
                "/new-destination/webhook",
                ["form_token": browser.formToken, "name": "siem", "url": "https://siem.example/custody"])
            let secret = try #require(
                server.service.state.notifications.destinations.entry(named: "siem").settings.secret)
            #expect(secret.hasPrefix("whsec_") && added.text.contains(secret))
            _ = try WebhookSecret(secret)
            #expect(try await !browser.get("/destinations/siem").text.contains(secret))
            let own = "0123456789abcdef0123456789abcdef"
            let given = try await browser.post(
                "/new-destination/webhook",
                ["form_token": browser.formToken, "name": "own", "url": "https://siem.example/x", "secret": own])
            #expect(given.status == 200 && !given.text.contains(own))
        }
    }

    @Test("Each kind of the API is made of its form, and a command is not", arguments: DestinationForm.all)
    func kinds(form: DestinationForm) async throws {
        try await TestServer.run { server, client in
            let browser = try await Browser.signedIn(client)
            let fields: KeyValuePairs = [
                "form_token": browser.formToken, "name": "x", "url": "https://a.example/b",
                "routing_key": "0123456789abcdef0123456789abcdef", "token": "t0ken", "smtp": "mail.example:587",
                "security": "starttls", "username": "custody", "password": " pass word", "from": "custody@example.org",
                "to": "a@example.org, b@example.org", "title": "{{severity}}", "tags": "slsa.*", "repeat": "1h",
            ]
            let added = try await browser.post("/new-destination/\(form.kind.rawValue)", fields)
            #expect(added.status == 200, "\(added.text)")
            let entry = try server.service.state.notifications.destinations.entry(named: "x")
            #expect(entry.destination.kind == form.kind && entry.settings.tags == ["slsa.*"])
            if form.kind == .email {
                #expect(entry.settings.to == ["a@example.org", "b@example.org"])
                #expect(entry.settings.password == " pass word")
            }
            #expect(try await browser.get("/new-destination/command").status == 404)
            #expect(try await browser.post("/new-destination/command", fields).status == 404)
        }
    }

    @Test("What waits and what was given up stands there with its reason, and is sent again, one or all")
    func deadLetters() async throws {
        let rules = FileManager.default.temporaryDirectory.appendingPathComponent("rules-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: rules, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: rules) }
        try Self.rule.write(to: rules.appendingPathComponent("r.yml"), atomically: true, encoding: .utf8)
        // Where Custody sends nothing: given up at once.
        var settings = DestinationSettings()
        (settings.name, settings.kind, settings.url) = ("siem", "webhook", "https://127.0.0.1:9/x")
        settings.secret = "0123456789abcdef0123456789abcdef"
        let forbidden = settings
        try await TestServer.run({
            $0.ruleDirectories = [rules.path]
            $0.notifications = [Self.command("/bin/false"), forbidden]
        }) { server, client in
            let outbox = server.service.state.notifications.outbox
            _ = try await client.send(
                .post, "/v1/events?source=acme", #"{"action":"repo.delete","actor":"eve<i>","resource":"acme/api"}"#)
            let deadline = ContinuousClock.now + .seconds(60)
            while try outbox.census().pending["siem"] == nil, ContinuousClock.now < deadline { await Task.yield() }
            try await server.service.state.notifications.worker.deliverDue()
            let browser = try await Browser.signedIn(client)
            let trying = try await browser.get("/destinations/ticket").text
            #expect(trying.contains("trying again") && trying.contains("Next attempt") && trying.contains("status 1"))
            #expect(trying.contains("in the configuration file") && !trying.contains("/remove\""))
            let refused = try await browser.post("/destinations/ticket/remove", ["form_token": browser.formToken])
            #expect(refused.status == 400)

            let list = try await browser.get("/destinations").text
            #expect(list.contains("trying again") && list.contains("gave up"))
            let page = try await browser.get("/destinations/siem").text
            #expect(page.contains("Repository deleted") && page.contains("Send again"))
            #expect(page.contains("private or reserved") && page.contains("href=\"/alerts/"))
            #expect(page.contains("eve&lt;i&gt;") && !page.contains("eve<i>"))
            let id = try #require(page.firstMatch(of: #/name="message" value="(msg_[0-9a-f]+)"/#)?.output.1)
            let one: KeyValuePairs = ["form_token": browser.formToken, "message": String(id)]
            let again = try await browser.post("/destinations/siem/resend", one)
            #expect(again.status == 303 && again.headers[.location] == "/destinations/siem")
            #expect(try outbox.census().failed["siem"] ?? 0 == 0)
            #expect(try await browser.post("/destinations/siem/resend", one).status == 404)
            try await server.service.state.notifications.worker.deliverDue()
            #expect(try outbox.census().failed["siem"] == 1)
            let all = try await browser.post("/destinations/siem/resend", ["form_token": browser.formToken])
            #expect(all.status == 303)
            #expect(try outbox.census().failed["siem"] ?? 0 == 0)
        }
    }

    @Test("Who audits sees how destinations fare and changes nothing; who only reads is not let near")
    func rights() async throws {
        try await TestServer.run({ $0.notifications = [Self.command("/bin/true")] }) { server, client in
            let state = server.service.state
            let token = try state.tokens.create(name: "auditor", scopes: [.audit], now: state.now())
            let auditor = try await Browser.signedIn(client, token: token.text)
            let seen = try await auditor.get("/destinations/ticket")
            #expect(seen.status == 200 && !seen.text.contains("/resend\"") && !seen.text.contains("/test\""))
            #expect(try await !auditor.get("/destinations").text.contains("/new-destination/"))
            for act in ["test", "resend", "remove"] {
                let answer = try await auditor.post("/destinations/ticket/\(act)", ["form_token": auditor.formToken])
                #expect(answer.status == 403, "\(act)")
            }
            #expect(try await auditor.get("/new-destination/slack").status == 403)
            let slack: KeyValuePairs = ["form_token": auditor.formToken, "name": "x", "url": "https://a.example/b"]
            #expect(try await auditor.post("/new-destination/slack", slack).status == 403)
            let read = try state.tokens.create(name: "desk", scopes: [.read], now: state.now())
            #expect(try await Browser.signedIn(client, token: read.text).get("/destinations").status == 403)
            #expect(try await Browser(client: client).get("/destinations").status == 303)
        }
    }

    @Test("A test that arrives says so, and what was delivered last is remembered")
    func delivered() async throws {
        try await TestServer.run({ $0.notifications = [Self.command("/bin/true")] }) { server, client in
            let browser = try await Browser.signedIn(client)
            let tested = try await browser.post("/destinations/ticket/test", ["form_token": browser.formToken])
            #expect(tested.text.contains("The test message was taken."))
            #expect(try await browser.get("/destinations/none").status == 404)
        }
    }
}
