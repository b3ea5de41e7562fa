/// A shape by which a connector knows its events.
struct RecognitionRule: Sendable {
    enum Claim: Sendable {
        case has(PayloadPath)
        case lacks(PayloadPath)
        case equals(PayloadPath, [[UInt8]])
        case beginsWith(PayloadPath, [[UInt8]])
    }

    /// Headers in lower case that must be there.
    var headers: [[UInt8]] = []
    var claims: [Claim] = []
    /// How much the shape tells: of several connectors whose shapes fit, the highest score wins.
    var score = 50
}

/// Reads `recognise`.
enum RecognitionParser {
    static let keys = ["headers", "has", "lacks", "equals", "begins", "score"]

    static func rule(_ node: ConfigNode) throws -> RecognitionRule {
        let parts = try node.members(keys)
        var rule = RecognitionRule()
        if let score = parts["score"] { rule.score = try score.integer(1...100) }
        for header in parts["headers"]?.list ?? [] {
            rule.headers.append(DeliveryHeaders.lowercased(try header.text()))
        }
        for path in parts["has"]?.list ?? [] { rule.claims.append(.has(try ConnectorFile.path(path))) }
        for path in parts["lacks"]?.list ?? [] { rule.claims.append(.lacks(try ConnectorFile.path(path))) }
        for (path, values) in try parts["equals"]?.entries() ?? [] {
            rule.claims.append(.equals(try ConnectorFile.path(path), try texts(values)))
        }
        for (path, values) in try parts["begins"]?.entries() ?? [] {
            rule.claims.append(.beginsWith(try ConnectorFile.path(path), try texts(values)))
        }
        guard !rule.headers.isEmpty || !rule.claims.isEmpty else { throw node.error("a shape needs a claim") }
        return rule
    }

    private static func texts(_ node: ConfigNode) throws -> [[UInt8]] {
        try node.list.map { Array(try $0.text().utf8) }
    }
}
