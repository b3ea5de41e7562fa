import EventModel

/// Reads the `custody` block of a rule. Unlike Sigma's own custom keys it is closed: a misspelt key is an error.
struct ExtensionReader {
    let naming: FieldNaming

    func read(_ node: RuleNode?) throws -> CustodyExtensions {
        var extensions = CustodyExtensions()
        guard let node else { return extensions }
        guard let pairs = node.mapping else { throw invalid("`custody` is a mapping", node) }
        for (key, value) in pairs {
            switch key {
            case "runbook":
                guard let text = value.text, !text.isEmpty else { throw invalid("`custody.runbook` is text", value) }
                extensions.runbook = text
            case "owner":
                guard let text = value.text, !text.isEmpty else { throw invalid("`custody.owner` is text", value) }
                extensions.owner = text
            case "signal":
                guard case .scalar(.boolean(let isSignal)) = value.content else {
                    throw invalid("`custody.signal` is true or false", value)
                }
                extensions.isSignal = isSignal
            case "group": extensions.group = try texts(value, key).map(naming.name)
            case "sources": extensions.sources = try texts(value, key)
            case "tests":
                guard let members = value.sequence else { throw invalid("`custody.tests` is a list", value) }
                extensions.tests = try members.map(test)
            default:
                throw invalid(
                    "`custody.\(key)` is not known; known are runbook, owner, signal, group, sources and tests", value)
            }
        }
        return extensions
    }

    private func test(_ node: RuleNode) throws -> CustodyExtensions.Test {
        guard let pairs = node.mapping else { throw invalid("a test is a mapping", node) }
        if let stranger = pairs.first(where: { !["name", "event", "fields", "match"].contains($0.key) }) {
            throw invalid(
                "`\(stranger.key)` is not a part of a test; parts are name, event, fields and match", stranger.value)
        }
        guard let name = node["name"]?.text else { throw invalid("a test has a name", node) }
        guard case .scalar(.boolean(let isMatch))? = node["match"]?.content else {
            throw invalid("a test says `match: true` or `match: false`", node)
        }
        var payload: [UInt8] = []
        if let event = node["event"] { Self.appendJSON(event, to: &payload) } else { payload = Array("{}".utf8) }
        return CustodyExtensions.Test(
            name: name, payload: payload, fields: try fields(node["fields"]), isMatch: isMatch, line: node.line)
    }

    private func fields(_ node: RuleNode?) throws -> [(field: Field, values: [String])] {
        guard let node else { return [] }
        guard let pairs = node.mapping else { throw invalid("`fields` is a mapping", node) }
        return try pairs.map { key, value in
            guard let field = Field(path: key) else { throw invalid("`\(key)` is no canonical field", value) }
            return (field, try texts(value, key))
        }
    }

    private func texts(_ node: RuleNode, _ key: String) throws -> [String] {
        try (node.sequence ?? [node]).map { element in
            guard let text = element.text else { throw invalid("`\(key)` is a list of texts", element) }
            return text
        }
    }

    private static func appendJSON(_ node: RuleNode, to output: inout [UInt8]) {
        switch node.content {
        case .scalar(.string(let text)): JSONText.appendString(text, to: &output)
        case .scalar(let scalar): output.append(contentsOf: (scalar.text ?? "null").utf8)
        case .sequence(let members):
            output.append(UInt8(ascii: "["))
            for (position, member) in members.enumerated() {
                if position > 0 { output.append(UInt8(ascii: ",")) }
                appendJSON(member, to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .mapping(let pairs):
            output.append(UInt8(ascii: "{"))
            for (position, pair) in pairs.enumerated() {
                if position > 0 { output.append(UInt8(ascii: ",")) }
                JSONText.appendString(pair.key, to: &output)
                output.append(UInt8(ascii: ":"))
                appendJSON(pair.value, to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    private func invalid(_ reason: String, _ node: RuleNode) -> DetectionError {
        DetectionError(.invalidRule, reason, line: node.line)
    }
}
