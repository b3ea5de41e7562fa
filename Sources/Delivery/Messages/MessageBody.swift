import Detection
import EventModel
import Foundation

/// Puts a notification into the form that its receiver reads.
struct MessageBody {
    let content: NotificationContent
    let destination: Destination
    /// The message's id, which mail puts into its header.
    let message: String

    /// The bytes that are kept in the outbox and sent at every attempt.
    var bytes: Data {
        switch destination.kind {
        case .webhook, .command: generic
        case .slack: slack
        case .teams: teams
        case .pagerduty: pagerDuty
        case .alertmanager: alertmanager
        case .email: MailMessage(self).bytes
        }
    }

    var title: String { Self.cut(Self.oneLine(destination.title.filled(content.values)), 1_024) }
    func text(escape: (String) -> String = { $0 }) -> String {
        destination.text.filled(content.values, escape: escape)
    }

    // MARK: Standard Webhooks

    /// `type`, `timestamp`, `data`, as Standard Webhooks shapes it.
    private var generic: Data {
        let subject = content.isIncident ? "incident" : "alert"
        let type = content.occasion == .test ? "test" : "\(subject).\(content.occasion.rawValue)"
        var body = Array(#"{"type":"\#(type)","timestamp":"\#(content.time.text)","data":"#.utf8)
        if content.isIncident || content.alerts.count != 1 {
            var json = JSONText.Object()
            json.add("id", content.key)
            json.add("entity", content.entity)
            json.add("severity", content.severity.rawValue)
            json.add("status", content.status.rawValue)
            json.add("first_seen", content.firstSeen.text)
            json.add("last_seen", content.lastSeen.text)
            json.add("alert_count", raw: String(content.alertCount))
            json.add("count", raw: String(content.eventCount))
            json.add("alerts", raw: Self.array(content.alerts))
            body += json.bytes
        } else {
            content.alerts[0].appendJSON(to: &body)
        }
        body.append(UInt8(ascii: "}"))
        return Data(body)
    }

    private static func array(_ alerts: [Alert]) -> String {
        "["
            + alerts.map { alert in
                var bytes: [UInt8] = []
                alert.appendJSON(to: &bytes)
                return String(decoding: bytes, as: UTF8.self)
            }.joined(separator: ",") + "]"
    }

    // MARK: Slack

    /// Incoming webhooks: `text` for notifications, `blocks` for the message. Limits: 150 characters in a header, 3,000
    /// in a section.
    private var slack: Data {
        var header = JSONText.Object()
        header.add("type", "plain_text")
        header.add("text", Self.cut(title, 150))
        var section = JSONText.Object()
        section.add("type", "mrkdwn")
        section.add("text", Self.escapedForSlack(text(), upTo: 3_000))
        var json = JSONText.Object()
        json.add("text", Self.escapedForSlack(title, upTo: 3_000))
        json.add(
            "blocks",
            raw: #"[{"type":"header","text":\#(header.text)},{"type":"section","text":\#(section.text)}]"#)
        return Data(json.bytes)
    }

    /// `&`, `<` and `>` as entities, so that nothing becomes a mention or a link; cut between characters, never inside an
    /// entity.
    private static func escapedForSlack(_ text: String, upTo count: Int) -> String {
        let entities: [Character: String] = ["&": "&amp;", "<": "&lt;", ">": "&gt;"]
        var (escaped, length) = ("", 0)
        for character in text {
            let next = entities[character] ?? String(character)
            guard length + next.count < count else { return escaped + "…" }
            escaped += next
            length += next.count
        }
        return escaped
    }

    // MARK: Teams

    /// Of Teams' 28 KB for a message; the rest is for what stands around the card.
    private static let maximumCardBytes = 24_000

    /// A message with one adaptive card, which Teams' workflows take. A message has at most 28 KB.
    private var teams: Data {
        var title = JSONText.Object()
        title.add("type", "TextBlock")
        title.add("size", "Medium")
        title.add("weight", "Bolder")
        title.add("wrap", raw: "true")
        title.add("text", Self.escapeMarkdown(Self.cut(self.title, 300)))
        // A card that is too large is refused for good: what would not fit is left out.
        var blocks = [title.text]
        var bytes = title.text.utf8.count
        for line in Self.cut(text(), 3_000).split(separator: "\n") {
            var block = JSONText.Object()
            block.add("type", "TextBlock")
            block.add("wrap", raw: "true")
            block.add("spacing", "Small")
            block.add("text", Self.escapeMarkdown(String(line)))
            bytes += block.text.utf8.count + 1
            guard bytes <= Self.maximumCardBytes else { break }
            blocks.append(block.text)
        }
        let body = "[" + blocks.joined(separator: ",") + "]"
        return Data(
            (#"{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","#
                + #""contentUrl":null,"content":{"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","#
                + #""type":"AdaptiveCard","version":"1.4","body":\#(body)}}]}"#).utf8)
    }

    /// Names come from events: none of them may become a link.
    private static func escapeMarkdown(_ text: String) -> String {
        text.reduce(into: "") { escaped, character in
            if "\\`*_[]()<>#|~".contains(character) { escaped.append("\\") }
            escaped.append(character)
        }
    }

    // MARK: PagerDuty

    /// Events API v2. The incident (or alert) is the deduplication key, so that PagerDuty's follows ours. The routing key,
    /// which is a secret, is added when the message is sent: what waits in the outbox holds none.
    private var pagerDuty: Data {
        let action =
            switch content.status {
            case .open: "trigger"
            case .acknowledged: "acknowledge"
            case .closed: "resolve"
            }
        var details = JSONText.Object()
        for (name, value) in content.values.sorted(by: { $0.key < $1.key }) where name != "title" {
            details.add(name, Self.cut(value, 4_000))
        }
        var payload = JSONText.Object()
        payload.add("summary", Self.cut(title, 1_024))
        payload.add("source", content.alerts.first.map(\.sourceName).flatMap { $0.isEmpty ? nil : $0 } ?? "custody")
        payload.add("severity", pagerDutySeverity)
        payload.add("timestamp", content.lastSeen.text)
        payload.add("component", Self.cut(content.entity, 255))
        payload.add("group", "custody")
        payload.add("class", Self.cut(content.values["rule"] ?? "", 255))
        payload.add("custom_details", raw: details.text)
        var json = JSONText.Object()
        json.add("event_action", action)
        json.add("dedup_key", "custody-\(content.key)")
        json.add("client", "Custody")
        json.add("payload", raw: payload.text)
        return Data(json.bytes)
    }

    private var pagerDutySeverity: String {
        switch content.severity {
        case .critical: "critical"
        case .high: "error"
        case .medium: "warning"
        case .low, .informational: "info"
        }
    }

    // MARK: Alertmanager

    /// API v2, `POST /api/v2/alerts`: one entry an alert. What is not closed ends three repetitions from now unless it is
    /// told again; what is closed ended when it was.
    private var alertmanager: Data {
        let repetition = max(destination.grouping?.repetition ?? 0, 5 * 60 * 1_000_000_000)
        let entries = content.alerts.map { alert in
            var labels = JSONText.Object()
            labels.add("alertname", alert.ruleTitle)
            labels.add("alert_id", alert.id)
            labels.add("severity", alert.severity.rawValue)
            labels.add("rule", alert.ruleKey)
            for (name, value) in [
                ("entity", alert.entity), ("source", alert.sourceName), ("owner", alert.owner ?? ""),
                ("incident", alert.incident ?? ""),
            ] where !value.isEmpty { labels.add(name, value) }
            var annotations = JSONText.Object()
            annotations.add("summary", title)
            annotations.add("description", Self.cut(text(), 4_000))
            if let runbook = alert.runbook { annotations.add("runbook", runbook) }
            let end = alert.status == .closed ? alert.updated : content.time.advanced(byNanoseconds: 3 * repetition)
            var json = JSONText.Object()
            json.add("labels", raw: labels.text)
            json.add("annotations", raw: annotations.text)
            json.add("startsAt", alert.created.text)
            json.add("endsAt", end.text)
            return json.text
        }
        return Data(("[" + entries.joined(separator: ",") + "]").utf8)
    }

    // MARK: Texts

    static func cut(_ text: String, _ count: Int) -> String {
        text.count <= count ? text : String(text.prefix(count - 1)) + "…"
    }

    /// One line without control characters: for subjects and summaries.
    static func oneLine(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }
}

extension JSONText {
    /// Writes one JSON object, member by member.
    struct Object {
        private(set) var bytes: [UInt8] = Array("{}".utf8)

        mutating func add(_ name: String, _ value: String) {
            var text: [UInt8] = []
            JSONText.appendString(value, to: &text)
            add(name, raw: String(decoding: text, as: UTF8.self))
        }

        /// Adds a member whose value is JSON text already.
        mutating func add(_ name: String, raw value: String) {
            bytes.removeLast()
            if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
            JSONText.appendString(name, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            bytes.append(contentsOf: value.utf8)
            bytes.append(UInt8(ascii: "}"))
        }

        var text: String { String(decoding: bytes, as: UTF8.self) }
    }
}
