/// Reads `lines`: the forms of a source that writes lines of text, each an expression or `{match, is}`; where all begin
/// alike, `{head, forms}`, whose head stands before each form.
enum LinesParser {
    /// A source has a few forms; each is tried on each line, in order.
    static let maximumPatterns = 64

    static let keys = ["head", "forms"]
    static let formKeys = ["match", "is"]

    static func patterns(_ node: ConfigNode) throws -> [LinePattern] {
        guard node.isMapping else { return try patterns(node.list, of: node, head: "") }
        let parts = try node.members(keys)
        guard let forms = parts["forms"] else { throw node.error("lines need forms") }
        return try patterns(forms.list, of: forms, head: try parts["head"]?.text() ?? "")
    }

    private static func patterns(_ nodes: [ConfigNode], of node: ConfigNode, head: String) throws -> [LinePattern] {
        guard nodes.count <= maximumPatterns else {
            throw node.error("more than \(maximumPatterns) forms of lines")
        }
        return try nodes.map { try pattern($0, head: head) }
    }

    private static func pattern(_ node: ConfigNode, head: String) throws -> LinePattern {
        guard node.isMapping else { return try pattern(node, head: head, constants: []) }
        let parts = try node.members(formKeys)
        guard let match = parts["match"] else { throw node.error("a form of lines needs an expression under match") }
        let constants = try (parts["is"]?.entries() ?? []).map { (name: try name($0.key), value: try $0.value.text()) }
        return try pattern(match, head: head, constants: constants)
    }

    private static func pattern(
        _ node: ConfigNode, head: String, constants: [(name: String, value: String)]
    ) throws -> LinePattern {
        let expression = head + (try node.text())
        do {
            let pattern = try LinePattern(expression, constants: constants)
            var seen: Set<String> = ["line"]
            for name in LinePattern.groupNames(of: expression).compactMap(\.self) + constants.map(\.name) {
                guard seen.insert(name).inserted else { throw node.error("two members are named \(name)") }
            }
            return pattern
        } catch let error as Pattern.InvalidPattern {
            throw node.error("not an RE2 expression: \(error.reason)")
        }
    }

    private static func name(_ node: ConfigNode) throws -> String {
        let text = try node.text()
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 == UInt8(ascii: "_") || isWord($0) }) else {
            throw node.error("\"\(text)\" is no name of a member")
        }
        return text
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "A") < 26 || byte &- UInt8(ascii: "0") < 10
    }
}
