import Crypto
import Foundation

/// A document of a rule file, read: a rule, or a filter for other rules.
enum RuleItem: Sendable {
    case rule(SigmaRule)
    case filter(RuleFilter)
}

/// Reads one document of Sigma (specification 2.1.0, sigma-rules-specification).
struct RuleReader {
    let file: String
    let variables: [String: [String]]
    let limits: RuleLimits

    /// - Throws: ``DetectionError`` with the line.
    func read(_ document: RuleDocument) throws -> RuleItem {
        do {
            return try read(document, root: document.root(limits: limits))
        } catch let error as DetectionError {
            throw error.located(file: file, line: document.firstLine)
        }
    }

    private func read(_ document: RuleDocument, root: RuleNode) throws -> RuleItem {
        guard root.mapping != nil else { throw invalid("a rule is a mapping", root) }
        if let action = root["action"], ["global", "repeat", "reset"].contains(action.text) {
            throw DetectionError(
                .unsupportedRule, "rule collections with `action` are not part of Sigma 2", line: action.line)
        }
        let title = try requiredTitle(root)
        if let correlation = root["correlation"] {
            if let detection = root["detection"] {
                throw DetectionError(
                    .invalidRule, "a correlation rule has no detection of its own", line: detection.line)
            }
            var rule = try rule(document, root, title: title, source: LogSource(), expression: .any([]))
            if let baseline = root["custody"]?["baseline"] {
                throw DetectionError(.invalidRule, "a correlation has no baseline", line: baseline.line)
            }
            rule.definition = try CorrelationReader(limits: limits).read(correlation)
            return .rule(rule)
        }
        if let query = root["query"] { return .rule(try self.query(query, document, root, title: title)) }
        let source = try logSource(root)
        if let filter = root["filter"] { return .filter(try self.filter(filter, title: title, source: source)) }
        let expression = try detection(root, source: source)
        var rule = try rule(document, root, title: title, source: source, expression: expression)
        rule.definition = rule.extensions.baseline
        return .rule(rule)
    }

    /// A rule that is a query: its log source, when it names one, still chooses the events.
    private func query(
        _ node: RuleNode, _ document: RuleDocument, _ root: RuleNode, title: String
    ) throws -> SigmaRule {
        if let detection = root["detection"] {
            throw DetectionError(.invalidRule, "a rule is a query or has a detection, not both", line: detection.line)
        }
        let source = root["logsource"] == nil ? LogSource(category: "supply_chain") : try logSource(root)
        var rule = try rule(document, root, title: title, source: source, expression: .any([]))
        let outcome = try QueryRuleReader(limits: limits).read(node, group: rule.extensions.group.map(\.written))
        rule.expression = outcome.expression
        rule.definition = outcome.definition
        return rule
    }

    private func rule(
        _ document: RuleDocument, _ root: RuleNode, title: String, source: LogSource, expression: RuleExpression
    ) throws -> SigmaRule {
        let extensions = try ExtensionReader(naming: FieldNaming(source: source)).read(root["custody"])
        return SigmaRule(
            id: try identifier(root), name: try optionalText(root, "name"), title: title, status: try status(root),
            severity: try severity(root), description: try optionalText(root, "description"),
            author: try optionalText(root, "author"), license: try optionalText(root, "license"),
            references: try texts(root, "references"), tags: try texts(root, "tags"),
            falsePositives: try texts(root, "falsepositives"), logSource: source,
            route: extensions.sources.map(SourceRoute.kinds) ?? source.route, extensions: extensions,
            expression: expression, hash: Self.hash(document.text), file: file, line: document.firstLine)
    }

    private static func hash(_ text: String) -> String {
        SHA256.hash(data: Data(text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    // MARK: Detection

    private func detection(_ root: RuleNode, source: LogSource) throws -> RuleExpression {
        guard let detection = root["detection"] else { throw invalid("the rule has no detection", root) }
        guard let pairs = detection.mapping else { throw invalid("detection is a mapping of selections", detection) }
        if let timeframe = detection["timeframe"] {
            throw DetectionError(
                .unsupportedRule, "`timeframe` belongs to the old aggregations; correlation rules replaced it",
                line: timeframe.line)
        }
        return try condition(in: detection, pairs, source: source, of: "rule")
    }

    private func condition(
        in node: RuleNode, _ pairs: [(key: String, value: RuleNode)], source: LogSource, of kind: String,
        except reserved: Set<String> = []
    ) throws -> RuleExpression {
        guard let condition = node["condition"], !condition.isNull else {
            throw invalid("the \(kind) has no condition", node)
        }
        let reader = SelectionReader(variables: variables, naming: FieldNaming(source: source), limits: limits)
        let selections = try pairs.filter { $0.key != "condition" && !reserved.contains($0.key) }
            .map { (name: $0.key, expression: try reader.read($0.value, selection: $0.key)) }
        guard !selections.isEmpty else { throw invalid("the \(kind) has no selection", node) }
        // A list of conditions is their alternative.
        let texts = try (condition.sequence ?? [condition]).map { member in
            guard let text = member.text else { throw invalid("a condition is text", member) }
            return text
        }
        guard !texts.isEmpty else { throw invalid("the \(kind) has no condition", condition) }
        do {
            return .any(of: try texts.map { try ConditionParser.parse($0, selections: selections, limits: limits) })
        } catch let error as DetectionError {
            throw DetectionError(error.code, error.reason, line: error.line ?? condition.line)
        }
    }

    private func filter(_ node: RuleNode, title: String, source: LogSource) throws -> RuleFilter {
        guard let pairs = node.mapping else { throw invalid("filter is a mapping", node) }
        guard let rules = node["rules"] else { throw invalid("the filter has no rules", node) }
        let applies: RuleFilter.Scope
        if let names = rules.sequence {
            applies = .rules(
                try names.map { name in
                    guard let text = name.text else { throw invalid("a filter names rules by id or name", name) }
                    return text
                })
        } else if rules.text == "any" {
            applies = .any
        } else {
            throw invalid("a filter's rules are a list or `any`", rules)
        }
        let expression = try condition(in: node, pairs, source: source, of: "filter", except: ["rules"])
        return RuleFilter(
            title: title, source: source, scope: applies, expression: expression, file: file, line: node.line)
    }

    // MARK: Metadata

    private func requiredTitle(_ root: RuleNode) throws -> String {
        guard let node = root["title"], let title = node.text, !title.isEmpty else {
            throw invalid("the rule has no title", root["title"] ?? root)
        }
        guard title.utf8.count <= 1_024 else { throw invalid("the title is longer than 1,024 bytes", node) }
        return title
    }

    private func identifier(_ root: RuleNode) throws -> String? {
        guard let node = root["id"] else { return nil }
        guard let text = node.text, let uuid = UUID(uuidString: text) else { throw invalid("the id is no UUID", node) }
        return uuid.uuidString.lowercased()
    }

    private func status(_ root: RuleNode) throws -> SigmaRule.Status? {
        guard let node = root["status"] else { return nil }
        guard let status = node.text.flatMap(SigmaRule.Status.init) else {
            throw invalid("unknown status `\(node.text ?? "null")`", node)
        }
        return status
    }

    private func severity(_ root: RuleNode) throws -> Severity {
        guard let node = root["level"] else { return .medium }
        guard let severity = node.text.flatMap(Severity.init) else {
            throw invalid("unknown level `\(node.text ?? "null")`", node)
        }
        return severity
    }

    private func logSource(_ root: RuleNode) throws -> LogSource {
        guard let node = root["logsource"] else { throw invalid("the rule has no logsource", root) }
        guard node.mapping != nil else { throw invalid("logsource is a mapping", node) }
        let source = LogSource(
            category: try optionalText(node, "category"), product: try optionalText(node, "product"),
            service: try optionalText(node, "service"))
        guard source != LogSource() else {
            throw invalid("the logsource is empty: it names no category, product or service", node)
        }
        return source
    }

    private func optionalText(_ node: RuleNode, _ key: String) throws -> String? {
        guard let member = node[key], !member.isNull else { return nil }
        guard let text = member.text else { throw invalid("`\(key)` is text", member) }
        return text
    }

    private func texts(_ node: RuleNode, _ key: String) throws -> [String] {
        guard let member = node[key], !member.isNull else { return [] }
        return try (member.sequence ?? [member]).map { element in
            guard let text = element.text else { throw invalid("`\(key)` is a list of texts", element) }
            return text
        }
    }

    private func invalid(_ reason: String, _ node: RuleNode) -> DetectionError {
        DetectionError(.invalidRule, reason, line: node.line)
    }
}
