internal import Yams

/// A node of a connector file that knows where it stands, so that every refusal can say so.
struct ConfigNode {
    let file: String
    let node: Node

    static func root(of text: String, file: String) throws -> ConfigNode {
        do {
            guard let node = try Yams.compose(yaml: text) else {
                throw ConnectorError(.invalidConnector, "the file is empty", file: file, line: 1)
            }
            return ConfigNode(file: file, node: node)
        } catch let error as YamlError {
            throw ConnectorError(.invalidConnector, reason(of: error), file: file, line: line(of: error))
        }
    }

    private static func reason(of error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, _, _), .parser(_, let problem, _, _), .composer(_, let problem, _, _):
            "not YAML: \(problem)"
        case .duplicatedKeysInMapping: "the same key twice in one mapping"
        default: "not YAML"
        }
    }

    private static func line(of error: YamlError) -> Int? {
        switch error {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        case .duplicatedKeysInMapping(_, let context): context.mark.line
        default: nil
        }
    }

    func error(_ reason: String) -> ConnectorError {
        ConnectorError(.invalidConnector, reason, file: file, line: line)
    }

    /// Where it stands, from 1.
    var line: Int? { node.mark?.line }

    var isNull: Bool { node.scalar.map { $0.style == .plain && ($0.string == "~" || $0.string == "null") } ?? false }
    var isMapping: Bool { node.mapping != nil }
    var isSequence: Bool { node.sequence != nil }

    func text() throws -> String {
        guard let scalar = node.scalar else { throw error("a text is expected here") }
        return scalar.string
    }

    func integer(_ range: ClosedRange<Int>) throws -> Int {
        guard let value = Int(try text()), range.contains(value) else {
            throw error("a number from \(range.lowerBound) to \(range.upperBound) is expected here")
        }
        return value
    }

    func flag() throws -> Bool {
        switch try text() {
        case "true": return true
        case "false": return false
        default: throw error("true or false is expected here")
        }
    }

    /// A sequence's members, or the node itself as the only one.
    var list: [ConfigNode] {
        guard let sequence = node.sequence else { return [self] }
        return sequence.map { ConfigNode(file: file, node: $0) }
    }

    /// A mapping's members in the order of the file.
    func entries() throws -> [(key: ConfigNode, value: ConfigNode)] {
        guard let mapping = node.mapping else { throw error("a mapping is expected here") }
        return mapping.map { (ConfigNode(file: file, node: $0.key), ConfigNode(file: file, node: $0.value)) }
    }

    /// A mapping whose keys are all among those allowed.
    func members(_ allowed: [String]) throws -> [String: ConfigNode] {
        var members: [String: ConfigNode] = [:]
        for (key, value) in try entries() {
            let name = try key.text()
            guard allowed.contains(name) else {
                throw key.error("unknown key \"\(name)\"; allowed here: \(allowed.joined(separator: ", "))")
            }
            members[name] = value
        }
        return members
    }

    func oneOf<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type) throws -> Choice
    where Choice.RawValue == String {
        guard let choice = Choice(rawValue: try text()) else {
            throw error("one of \(Choice.allCases.map(\.rawValue).joined(separator: ", ")) is expected here")
        }
        return choice
    }

    /// `a, b` as `a` and `b`.
    func commaSeparated() throws -> [String] {
        try text().split(separator: ",").map { part in
            var part = part
            while part.first == " " { part.removeFirst() }
            while part.last == " " { part.removeLast() }
            return String(part)
        }
    }
}
