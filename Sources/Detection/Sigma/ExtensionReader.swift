import EventModel

/// Reads the `custody` block of a rule. Unlike Sigma's own custom keys it is closed: a misspelt key is an error.
struct ExtensionReader {
    let naming: FieldNaming

    func read(_ node: RuleNode?) throws -> CustodyExtensions {
        var extensions = CustodyExtensions()
        guard let node else { return extensions }
        guard let pairs = node.mapping else { throw invalid("`custody` is a mapping", node) }
        var baseline: RuleNode?
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
            case "baseline": baseline = value
            case "tests":
                guard let members = value.sequence else { throw invalid("`custody.tests` is a list", value) }
                extensions.tests = try members.map(test)
            default:
                throw invalid(
                    "`custody.\(key)` is not known; known are runbook, owner, signal, group, sources, baseline and tests",
                    value)
            }
        }
        if let baseline {
            extensions.baseline = try BaselineReader(node: baseline, group: extensions.group.map(\.written)).read()
        }
        return extensions
    }

    private func test(_ node: RuleNode) throws -> CustodyExtensions.Test {
        guard let pairs = node.mapping else { throw invalid("a test is a mapping", node) }
        let parts = ["name", "event", "fields", "events", "wait", "match"]
        if let stranger = pairs.first(where: { !parts.contains($0.key) }) {
            throw invalid(
                "`\(stranger.key)` is not a part of a test; parts are name, event, fields, events, wait and match",
                stranger.value)
        }
        guard let name = node["name"]?.text else { throw invalid("a test has a name", node) }
        guard case .scalar(.boolean(let isMatch))? = node["match"]?.content else {
            throw invalid("a test says `match: true` or `match: false`", node)
        }
        var events: [CustodyExtensions.Test.Event] = []
        if let list = node["events"] {
            guard let members = list.sequence, node["event"] == nil, node["fields"] == nil else {
                throw invalid("`events` is a list, and stands instead of `event` and `fields`", list)
            }
            events = try members.map(event)
        } else {
            events = [try event(node, isAlone: true)]
        }
        guard events.reduce(0, { $0 + $1.count }) <= Self.maximumTestEvents else {
            throw invalid("a test has more than \(Self.maximumTestEvents) events", node)
        }
        return CustodyExtensions.Test(
            name: name, events: events, wait: try duration(node, "wait"), isMatch: isMatch, line: node.line)
    }

    /// Tests run at every change of a rule; this many events take a fraction of a second.
    private static let maximumTestEvents = 10_000

    private func event(_ node: RuleNode) throws -> CustodyExtensions.Test.Event { try event(node, isAlone: false) }

    private func event(_ node: RuleNode, isAlone: Bool) throws -> CustodyExtensions.Test.Event {
        guard let pairs = node.mapping else { throw invalid("an event of a test is a mapping", node) }
        let parts = ["event", "fields", "after", "count", "every"]
        if !isAlone, let stranger = pairs.first(where: { !parts.contains($0.key) }) {
            throw invalid(
                "`\(stranger.key)` is not a part of an event; parts are event, fields, after, count and every",
                stranger.value)
        }
        var payload: [UInt8] = []
        if let event = node["event"] { Self.appendJSON(event, to: &payload) } else { payload = Array("{}".utf8) }
        var count = 1
        if !isAlone, let written = node["count"] {
            guard let number = written.text.flatMap({ Int($0) }), (1...Self.maximumTestEvents).contains(number) else {
                throw invalid("`count` is a number from 1 to \(Self.maximumTestEvents)", written)
            }
            count = number
        }
        return CustodyExtensions.Test.Event(
            payload: payload, fields: try fields(node["fields"]), after: isAlone ? 0 : try duration(node, "after"),
            count: count, every: isAlone ? 0 : try duration(node, "every"))
    }

    private func duration(_ node: RuleNode, _ key: String) throws -> Int64 {
        guard let member = node[key] else { return 0 }
        return try BaselineDuration.read(member, key)
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
