/// Text with places for what a notification is about: `{{title}}`, `{{entity}}` …
///
/// No conditions and no loops: a message that needs them is better built by the program that receives a webhook.
struct MessageTemplate: Sendable {
    static let maximumBytes = 16_384
    static let defaultTitle = "[{{severity}}] {{title}}"
    static let defaultText = """
        {{status}}: {{title}}
        about {{entity}}, {{alerts}} alerts, {{count}} events, {{first_seen}} to {{last_seen}}
        {{list}}
        do first: {{runbook}}
        {{command}}
        """

    /// Everything that a place can name.
    static let names: Set<String> = [
        "title", "severity", "status", "occasion", "entity", "rule", "rules", "owner", "tags", "source", "alerts",
        "count", "first_seen", "last_seen", "id", "incident", "runbook", "explanation", "list", "command",
    ]

    private enum Part: Sendable {
        case text(String)
        case place(String)
    }

    private let parts: [Part]

    /// - Throws: ``DeliveryError`` for a place that names nothing, so that a misspelt one is found before the first alert.
    init(_ text: String, of destination: String) throws {
        func invalid(_ reason: String) -> DeliveryError {
            DeliveryError(.invalidDestination, "the destination \(destination): \(reason)")
        }
        guard text.utf8.count <= Self.maximumBytes else {
            throw invalid("a template has at most \(Self.maximumBytes) bytes")
        }
        var parts: [Part] = []
        var rest = text[...]
        while let open = rest.firstRange(of: "{{") {
            parts.append(.text(String(rest[..<open.lowerBound])))
            guard let close = rest[open.upperBound...].firstRange(of: "}}") else {
                throw invalid("a template has `{{` without `}}`")
            }
            let name = rest[open.upperBound..<close.lowerBound].trimmingPrefix { $0 == " " }
            let trimmed = String(name.reversed().drop { $0 == " " }.reversed())
            guard Self.names.contains(trimmed) else {
                throw invalid("a template names `\(trimmed)`; there are \(Self.names.sorted().joined(separator: ", "))")
            }
            parts.append(.place(trimmed))
            rest = rest[close.upperBound...]
        }
        parts.append(.text(String(rest)))
        self.parts = parts
    }

    /// The text with its places filled, each value passed through `escape`.
    func filled(_ values: [String: String], escape: (String) -> String = { $0 }) -> String {
        parts.map { part in
            switch part {
            case .text(let text): text
            case .place(let name): escape(values[name] ?? "")
            }
        }.joined()
    }
}
