import EventModel
import Yams

/// One YAML document of a rule file: its text, which the rule's hash is taken of, and its root.
struct RuleDocument: Sendable {
    let text: String
    /// The line of the file on which the text begins, from 1.
    let firstLine: Int

    /// Splits a file at its document markers. A line that begins with `---` always is one (YAML 1.2 §9.1.4), so that a
    /// malformed document does not take the others of its file with it.
    static func split(_ text: String) -> [RuleDocument] {
        var documents: [RuleDocument] = []
        var lines: [Substring] = []
        var firstLine = 1
        func finish() {
            let hasContent = lines.contains { line in
                let content = line.drop { $0 == " " || $0 == "\t" || $0 == "\r" }
                return !content.isEmpty && !content.hasPrefix("#") && !content.hasPrefix("%")
            }
            if hasContent {
                documents.append(RuleDocument(text: lines.joined(separator: "\n"), firstLine: firstLine))
            }
        }
        let bytes = text.utf8
        var start = bytes.startIndex
        var number = 0
        while start <= bytes.endIndex {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
            let line = text[start..<end]
            number += 1
            if isMarker(line) {
                finish()
                lines = []
                firstLine = number
                // What stands behind the marker belongs to the document; spaces keep its column.
                lines.append("   " + line.dropFirst(3))
            } else {
                lines.append(line)
            }
            guard end < bytes.endIndex else { break }
            start = bytes.index(after: end)
        }
        finish()
        return documents
    }

    private static func isMarker(_ line: Substring) -> Bool {
        guard line.utf8.starts(with: "---".utf8) else { return false }
        let rest = line.utf8.dropFirst(3)
        return rest.isEmpty || rest.first == 0x20 || rest.first == 0x09 || rest.first == 0x0D
    }

    /// Parses the document.
    /// - Throws: ``DetectionError`` with the line of the fault.
    func root(limits: RuleLimits) throws -> RuleNode {
        guard text.utf8.count <= limits.documentBytes else {
            throw DetectionError(
                .malformedDocument, "a rule of \(text.utf8.count) bytes is over the limit of \(limits.documentBytes)",
                line: firstLine)
        }
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw located(error)
        }
        guard let node else { throw DetectionError(.malformedDocument, "the document is empty", line: firstLine) }
        var reader = RuleNodeReader(limits: limits, firstLine: firstLine)
        return try reader.read(node)
    }

    private func located(_ error: YamlError) -> DetectionError {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            DetectionError(.malformedDocument, "malformed YAML: \(problem)", line: firstLine + mark.line - 1)
        case .duplicatedKeysInMapping(let duplicates, let context):
            DetectionError(
                .malformedDocument, "malformed YAML: the key \(duplicates.first ?? "") stands twice in one mapping",
                line: firstLine + context.mark.line - 1)
        default: DetectionError(.malformedDocument, "malformed YAML", line: firstLine)
        }
    }
}

/// Turns Yams' nodes into ours.
private struct RuleNodeReader {
    let limits: RuleLimits
    let firstLine: Int
    private var count = 0

    init(limits: RuleLimits, firstLine: Int) {
        self.limits = limits
        self.firstLine = firstLine
    }

    mutating func read(_ node: Node, depth: Int = 1) throws -> RuleNode {
        let line = firstLine + (node.mark?.line ?? 1) - 1
        count += 1
        guard count <= limits.nodes else {
            throw DetectionError(.malformedDocument, "more than \(limits.nodes) YAML nodes", line: line)
        }
        guard depth <= limits.depth else {
            throw DetectionError(.malformedDocument, "nested deeper than \(limits.depth) levels", line: line)
        }
        switch node {
        case .scalar(let scalar): return RuleNode(content: .scalar(Self.scalar(scalar)), line: line)
        case .sequence(let sequence):
            var nodes: [RuleNode] = []
            for element in sequence { nodes.append(try read(element, depth: depth + 1)) }
            return RuleNode(content: .sequence(nodes), line: line)
        case .mapping(let mapping): return RuleNode(content: .mapping(try pairs(of: mapping, depth: depth)), line: line)
        case .alias:
            throw DetectionError(.malformedDocument, "malformed YAML: an alias leads nowhere", line: line)
        }
    }

    private mutating func pairs(of mapping: Node.Mapping, depth: Int) throws -> [(key: String, value: RuleNode)] {
        var own: [(key: String, value: RuleNode)] = []
        var merged: [(key: String, value: RuleNode)] = []
        for (keyNode, valueNode) in mapping {
            guard case .scalar(let keyScalar) = keyNode else {
                throw DetectionError(
                    .malformedDocument, "a key must be text", line: firstLine + (keyNode.mark?.line ?? 1) - 1)
            }
            // A key on its own line names the place of a fault better than a value on the next.
            let value = try read(valueNode, depth: depth + 1)
            let line = firstLine + (keyNode.mark?.line ?? 1) - 1
            if keyScalar.style == .plain, keyScalar.string == "<<" {
                for source in value.sequence ?? [value] { merged.append(contentsOf: source.mapping ?? []) }
            } else {
                own.append((keyScalar.string, RuleNode(content: value.content, line: line)))
            }
        }
        for pair in merged where !own.contains(where: { $0.key == pair.key }) { own.append(pair) }
        return own
    }

    private static func scalar(_ scalar: Node.Scalar) -> CoreScalar {
        let isText = scalar.tag.rawValue == Tag.Name.str.rawValue
        return scalar.style == .plain && !isText ? CoreScalar(plain: scalar.string) : .string(scalar.string)
    }
}
