internal import EventModel
internal import Foundation

/// An answer that a sender expects to some of its deliveries: a ping, or a challenge to prove that we are meant.
struct AnswerRule: Sendable {
    var method: String?
    /// In lower case, with the value that it must have; nil for any.
    var header: [UInt8]?
    var value: [UInt8]?
    var status = 200
    var contentType = "application/json"
    var body: [SignatureScheme.Part] = []
    var isEvent = true
}

/// Reads `answer`.
enum AnswerParser {
    static func answer(_ node: ConfigNode) throws -> AnswerRule {
        let parts = try node.members(["method", "header", "value", "status", "type", "body", "event"])
        guard parts["method"] != nil || parts["header"] != nil else {
            throw node.error("an answer needs a method or a header by which its delivery is known")
        }
        var rule = AnswerRule()
        rule.method = try parts["method"]?.text()
        rule.header = try parts["header"].map { DeliveryHeaders.lowercased(try $0.text()) }
        rule.value = try parts["value"].map { Array(try $0.text().utf8) }
        if let status = parts["status"] { rule.status = try status.integer(200...299) }
        if let type = parts["type"] { rule.contentType = try type.text() }
        if let event = parts["event"] { rule.isEvent = try event.flag() }
        if let body = parts["body"] { rule.body = try self.body(body) }
        return rule
    }

    /// Text in which `<header:NAME>` stands for a header's value; braces are JSON's.
    private static func body(_ node: ConfigNode) throws -> [SignatureScheme.Part] {
        var parts: [SignatureScheme.Part] = []
        var rest = try node.text()[...]
        while let start = rest.range(of: "<header:") {
            parts.append(.literal(Array(rest[..<start.lowerBound].utf8)))
            guard let close = rest[start.upperBound...].firstIndex(of: ">") else { throw node.error("< without >") }
            parts.append(.header(DeliveryHeaders.lowercased(String(rest[start.upperBound..<close]))))
            rest = rest[rest.index(after: close)...]
        }
        parts.append(.literal(Array(rest.utf8)))
        return parts
    }
}

extension Connector {
    /// What to answer to a delivery; nil when a plain success status will do.
    ///
    /// Header values in an answer are escaped as JSON strings are, since an answer echoes what anybody sent.
    package func answer(to delivery: Delivery) -> DeliveryAnswer? {
        for rule in answers {
            if let method = rule.method, method != delivery.method { continue }
            if let header = rule.header {
                guard let value = delivery.headers[lowercased: header] else { continue }
                if let wanted = rule.value, wanted != value { continue }
            }
            var body: [UInt8] = []
            for part in rule.body {
                switch part {
                case .literal(let bytes): body.append(contentsOf: bytes)
                case .header(let name):
                    var quoted: [UInt8] = []
                    (delivery.headers[lowercased: name] ?? []).withUnsafeBytes {
                        JSONText.appendString($0, to: &quoted)
                    }
                    body.append(contentsOf: quoted.dropFirst().dropLast())
                case .body, .timestamp: break
                }
            }
            return DeliveryAnswer(
                status: rule.status, contentType: rule.contentType, body: body, isEvent: rule.isEvent)
        }
        return nil
    }
}
