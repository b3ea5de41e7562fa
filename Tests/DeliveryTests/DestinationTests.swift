import Detection
import EventModel
import Foundation
import Testing
import Yams

@testable import Delivery

@Suite("Destinations")
struct DestinationTests {
    private func destination(_ yaml: String) throws -> Destination {
        try Destination(try YAMLDecoder().decode(DestinationSettings.self, from: yaml), allowsCommands: true)
    }

    private func body(_ yaml: String, _ occasion: NotificationContent.Occasion = .opened) throws -> [String: Any] {
        let bytes = try bytes(yaml, occasion)
        return try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
    }

    private func bytes(_ yaml: String, _ occasion: NotificationContent.Occasion = .opened) throws -> Data {
        let scene = try OutboxScene()
        let alert = try scene.raise(level: "critical", entity: "eve <!channel> [x](http://evil)", title: "Tag moved")
        let content = try #require(
            NotificationContent(alert.incident ?? "", occasion, alerts: [alert], time: scene.clock.now))
        return MessageBody(content: content, destination: try destination(yaml), message: "msg_1").bytes
    }

    @Test("What a kind does not use, misspelt keys and unknown places in templates are refused")
    func mistakes() {
        for yaml in [
            "{kind: slack, url: 'https://a.example/x', secret: abcdefghijklmnopqrstuvwxyz}",
            "{kind: fax, url: 'https://a.example/x'}", "{name: x, urll: 'https://a.example/x'}",
            "{kind: slack, url: 'https://a.example/x', title: '{{titel}}'}",
            "{kind: slack, url: 'https://a.example/x', title: '{{title'}",
            "{kind: slack, url: 'https://a.example/x', grouping: {wait: soon}}",
            "{kind: slack, url: 'https://a.example/x', grouping: {weight: 1m}}",
            "{kind: slack, url: 'https://a.example/x', minimum_severity: bad}",
            "{kind: slack, url: 'https://a.example/x', events: [repeated]}",
            "{kind: slack, url: 'https://a.example/x', sources: []}",
            "{kind: pagerduty, name: p, routing_key: short}", "{kind: webhook, url: 'https://a.example/x'}",
            "{kind: command, name: c, command: [date]}", "{kind: command, name: c}",
            "{kind: email, name: m, smtp: mail.example, from: a@b.example, to: []}",
            "{kind: email, name: m, smtp: mail.example, from: 'a@b\\r\\nBcc: c', to: [a@b.example]}",
            "{kind: email, name: m, smtp: 'mail.example:x', from: a@b.example, to: [a@b.example]}",
            "{kind: email, name: m, smtp: mail.example, from: a@b.example, to: [a@b.example], username: u}",
            "{kind: email, name: m, smtp: m.example, security: none, from: a@b.c, to: [a@b.c], username: u, password: p}",
        ] {
            #expect(throws: (any Error).self, "\(yaml)") { try destination(yaml) }
        }
    }

    @Test("Commands are for the configuration file alone")
    func commands() throws {
        var settings = DestinationSettings()
        settings.name = "c"
        settings.kind = "command"
        settings.command = ["/bin/true"]
        #expect(throws: DeliveryError.self) { try Destination(settings, allowsCommands: false) }
        _ = try Destination(settings, allowsCommands: true)
    }

    @Test("Routes choose by severity, source, tag, owner and entity; every list that is given has to match")
    func routing() throws {
        let scene = try OutboxScene()
        let alert = try scene.raise(
            level: "medium", entity: "eve", extra: "tags: [attack.t1195.001]\ncustody: {owner: team-supply}")
        let base = "name: x, kind: slack, url: 'https://a.example/x'"
        for (rest, isWanted) in [
            ("minimum_severity: medium", true), ("minimum_severity: high", false), ("sources: [acm*]", true),
            ("sources: [other]", false), ("tags: ['attack.t1195*']", true), ("tags: [slsa.*]", false),
            ("owners: [team-supply]", true), ("owners: [nobody]", false), ("entities: [EVE]", true),
            ("entities: [EVE], owners: [nobody]", false),
        ] {
            #expect(try destination("{\(base), \(rest)}").route.wants(alert) == isWanted, "\(rest)")
        }
    }

    @Test("Slack gets text and blocks in which nothing from an event is a command")
    func slack() throws {
        let body = try body("{kind: slack, url: 'https://hooks.example.com/x'}")
        let blocks = try #require(body["blocks"] as? [[String: Any]])
        let header = try #require(blocks[0]["text"] as? [String: Any])
        let section = try #require(blocks[1]["text"] as? [String: Any])
        #expect(header["type"] as? String == "plain_text" && header["text"] as? String == "[critical] Tag moved")
        #expect(section["type"] as? String == "mrkdwn")
        let text = try #require(section["text"] as? String)
        #expect(text.contains("&lt;!channel&gt;") && !text.contains("<!channel>"))
    }

    @Test("Teams gets one adaptive card in which names are no links")
    func teams() throws {
        let body = try body("{kind: teams, url: 'https://flow.example.com/x'}")
        #expect(body["type"] as? String == "message")
        let attachment = try #require((body["attachments"] as? [[String: Any]])?.first)
        #expect(attachment["contentType"] as? String == "application/vnd.microsoft.card.adaptive")
        let card = try #require(attachment["content"] as? [String: Any])
        let lines = try #require(card["body"] as? [[String: Any]]).compactMap { $0["text"] as? String }
        #expect(card["type"] as? String == "AdaptiveCard" && lines[0] == #"\[critical\] Tag moved"#)
        #expect(lines.contains { $0.contains(#"\[x\]\(http://evil\)"#) })
    }

    @Test("A card stays below what Teams takes, however many lines there are")
    func largeCard() throws {
        let lines = String(repeating: "[\u{1F510}]\\n", count: 700)
        let yaml = "{kind: teams, url: 'https://flow.example.com/x', text: \"\(lines)\"}"
        #expect((20_000...28_000).contains(try bytes(yaml).count))
        _ = try body(yaml)
    }

    @Test("PagerDuty gets an event whose key is the incident and whose action follows its status")
    func pagerDuty() throws {
        let key = String(repeating: "k", count: 32)
        let body = try body("{kind: pagerduty, name: p, routing_key: \(key)}")
        #expect(body["routing_key"] == nil && body["event_action"] as? String == "trigger")
        #expect((body["dedup_key"] as? String)?.hasPrefix("custody-") == true)
        let payload = try #require(body["payload"] as? [String: Any])
        #expect(payload["severity"] as? String == "critical" && payload["source"] as? String == "acme")
        #expect(payload["summary"] as? String == "[critical] Tag moved")
    }

    @Test("Alertmanager gets labels, annotations and an end that lies ahead of the next repetition")
    func alertmanager() throws {
        let target = try destination("{kind: alertmanager, url: 'https://am.example/'}")
        guard case .http(let http) = target.target else { Issue.record("no URL"); return }
        #expect(http.url.absoluteString == "https://am.example/api/v2/alerts")
        let data = try bytes("{kind: alertmanager, url: 'https://am.example/'}")
        let entries = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
        let labels = try #require(entries[0]["labels"] as? [String: String])
        #expect(labels["alertname"] == "Tag moved" && labels["severity"] == "critical" && labels["source"] == "acme")
        let end = try #require((entries[0]["endsAt"] as? String).flatMap { Timestamp(parsing: $0) })
        #expect(end == TestClock().now.advanced(byNanoseconds: 3 * 3_600_000_000_000))
    }

    @Test("A mail is plain ASCII with one thread for one incident, and its text is whole")
    func mail() throws {
        let data = try bytes(
            "{kind: email, name: m, smtp: mail.example, from: a@b.example, to: [x@c.example, y@c.example], title: 'é {{title}}'}"
        )
        #expect(data.allSatisfy { $0 < 0x80 })
        let text = String(decoding: data, as: UTF8.self)
        let parts = text.components(separatedBy: "\r\n\r\n")
        #expect(parts[0].contains("To: x@c.example,\r\n y@c.example") && parts[0].contains("Subject: =?utf-8?B?"))
        #expect(parts[0].contains("Auto-Submitted: auto-generated") && parts[0].contains("References: <"))
        let decoded = try #require(
            Data(base64Encoded: parts[1], options: .ignoreUnknownCharacters).map { String(decoding: $0, as: UTF8.self) }
        )
        #expect(decoded.contains("eve <!channel>"))
        #expect(MailMessage.date(0) == "Thu, 01 Jan 1970 00:00:00 +0000")
    }

    @Test("A dot at the beginning of a line is doubled, and the mail ends with a dot alone")
    func dots() {
        let stuffed = SMTPSession.stuffed(Data("a\r\n.b\r\n..\r\nc".utf8))
        #expect(String(decoding: stuffed, as: UTF8.self) == "a\r\n..b\r\n...\r\nc\r\n.\r\n")
    }

    @Test("PagerDuty's 400 is final, its 429 is not")
    func finality() async throws {
        var settings = DestinationSettings()
        settings.name = "p"
        settings.kind = "pagerduty"
        settings.routingKey = String(repeating: "k", count: 32)
        settings.grouping = .init(wait: "0", interval: "0", repetition: "0")
        let resolver = FixedResolver(names: ["events.pagerduty.com": ["93.184.215.14"]])
        for (status, state) in [(400, OutboxMessage.State.failed), (429, .pending), (202, .delivered)] {
            let scene = try OutboxScene(settings: [settings])
            try scene.raise(entity: "eve")
            let transport = RecordingTransport([.success(WebhookAnswer(status: status))])
            try await scene.worker(transport, resolver: resolver).deliverDue()
            #expect(try scene.outbox.list(state).count == 1, "\(status)")
            let sent = try #require(transport.requests.first).body
            let json = try #require(try JSONSerialization.jsonObject(with: sent) as? [String: Any])
            #expect(json["routing_key"] as? String == settings.routingKey && json["payload"] != nil)
        }
    }
}
