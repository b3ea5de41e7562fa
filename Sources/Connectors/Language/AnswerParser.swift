internal import Crypto
internal import EventModel
internal import Foundation

/// An answer that a sender expects to some of its deliveries: a ping, or a challenge to prove that we are meant.
struct AnswerRule: Sendable {
    var method: String?
    /// In lower case, with the value that it must have; nil for any.
    var header: [UInt8]?
    var value: [UInt8]?
    /// A member of the body, with the text that it must have.
    var member: (path: PayloadPath, value: [UInt8])?
    var status = 200
    var contentType = "application/json"
    var body: [Part] = []
    var isEvent = true

    enum Part: Sendable {
        case literal([UInt8])
        /// A header's value, escaped as JSON strings are.
        case header([UInt8])
        /// The text at a path of the body, escaped as JSON strings are.
        case member(PayloadPath)
        /// The HMAC-SHA256 in hex of the text at a path of the body, with the source's secret: a challenge to show that we
        /// know it.
        case proof(PayloadPath)
    }
}

/// Reads `answer`.
enum AnswerParser {
    static let keys = ["method", "header", "value", "member", "status", "type", "body", "event"]

    static func answer(_ node: ConfigNode) throws -> AnswerRule {
        let parts = try node.members(keys)
        guard parts["method"] != nil || parts["header"] != nil || parts["member"] != nil else {
            throw node.error("an answer needs a method, a header or a member by which its delivery is known")
        }
        var rule = AnswerRule()
        rule.method = try parts["method"]?.text()
        rule.header = try parts["header"].map { DeliveryHeaders.lowercased(try $0.text()) }
        rule.value = try parts["value"].map { Array(try $0.text().utf8) }
        if let member = parts["member"] {
            let entries = try member.entries()
            guard let entry = entries.first, entries.count == 1 else {
                throw member.error("one member with its text is expected here")
            }
            rule.member = (try ConnectorFile.path(entry.key), Array(try entry.value.text().utf8))
        }
        if let status = parts["status"] { rule.status = try status.integer(200...299) }
        if let type = parts["type"] { rule.contentType = try type.text() }
        if let event = parts["event"] { rule.isEvent = try event.flag() }
        if let body = parts["body"] { rule.body = try self.body(body) }
        return rule
    }

    /// Text in which `<header:NAME>`, `<body:PATH>` and `<hmac:PATH>` stand for values; braces are JSON's.
    private static func body(_ node: ConfigNode) throws -> [AnswerRule.Part] {
        var parts: [AnswerRule.Part] = []
        var rest = try node.text()[...]
        while let open = rest.firstIndex(of: "<") {
            parts.append(.literal(Array(rest[..<open].utf8)))
            guard let close = rest[open...].firstIndex(of: ">") else { throw node.error("< without >") }
            let inside = rest[rest.index(after: open)..<close]
            guard let colon = inside.firstIndex(of: ":") else {
                throw node.error("one of <header:NAME>, <body:PATH>, <hmac:PATH> is expected here")
            }
            let name = String(inside[inside.index(after: colon)...])
            switch inside[..<colon] {
            case "header": parts.append(.header(DeliveryHeaders.lowercased(name)))
            case "body", "hmac":
                guard let path = PayloadPath(name) else { throw node.error("\"\(name)\" is not a path") }
                parts.append(inside.hasPrefix("body") ? .member(path) : .proof(path))
            default: throw node.error("one of <header:NAME>, <body:PATH>, <hmac:PATH> is expected here")
            }
            rest = rest[rest.index(after: close)...]
        }
        parts.append(.literal(Array(rest.utf8)))
        return parts
    }
}

extension Connector {
    /// What to answer to a delivery; nil when a plain success status will do.
    ///
    /// Values in an answer are escaped as JSON strings are, since an answer echoes what its sender sent.
    ///
    /// - Parameter credential: For answers that prove that we know the secret. Ask only after ``authenticate(_:credential:now:)``:
    ///   whoever is answered without could have anything signed.
    package func answer(to delivery: Delivery, credential: SourceCredential? = nil) -> DeliveryAnswer? {
        for rule in answers {
            if let method = rule.method, method != delivery.method { continue }
            if let header = rule.header {
                guard let value = delivery.headers[lowercased: header] else { continue }
                if let wanted = rule.value, wanted != value { continue }
            }
            if let member = rule.member, Self.text(at: member.path, in: delivery.body) != member.value { continue }
            var body: [UInt8] = []
            for part in rule.body {
                switch part {
                case .literal(let bytes): body.append(contentsOf: bytes)
                case .header(let name): Self.append(delivery.headers[lowercased: name] ?? [], to: &body)
                case .member(let path): Self.append(Self.text(at: path, in: delivery.body) ?? [], to: &body)
                case .proof(let path):
                    guard let secret = credential?.secrets.first, let text = Self.text(at: path, in: delivery.body)
                    else { continue }
                    let code = HMAC<SHA256>.authenticationCode(for: text, using: SymmetricKey(data: secret))
                    body.append(contentsOf: BinaryText.hexText(code))
                }
            }
            return DeliveryAnswer(
                status: rule.status, contentType: rule.contentType, body: body, isEvent: rule.isEvent)
        }
        return nil
    }

    private static func append(_ text: [UInt8], to body: inout [UInt8]) {
        var quoted: [UInt8] = []
        text.withUnsafeBytes { JSONText.appendString($0, to: &quoted) }
        body.append(contentsOf: quoted.dropFirst().dropLast())
    }

    /// The text at a path of a body; of a body that is an array, of its first element.
    private static func text(at path: PayloadPath, in body: [UInt8]) -> [UInt8]? {
        let parser = JSONParser()
        let found = try? body.withUnsafeBytes { bytes in
            try parser.withDocument(bytes) { document -> [UInt8]? in
                let event = document.kind == .array ? document[0] : document
                return event?.value(at: path)?.string.map { Array($0) }
            }
        }
        return found ?? nil
    }
}
