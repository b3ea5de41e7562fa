/// Reads the `correlation` block of a rule.
struct CorrelationReader {
    private static let parts: Set<String> = [
        "type", "rules", "group-by", "timespan", "condition", "aliases", "generate",
    ]

    let limits: RuleLimits

    /// - Throws: ``DetectionError`` with the line. References are resolved later, when all rules are known.
    func read(_ node: RuleNode) throws -> CorrelationDefinition {
        guard let pairs = node.mapping else { throw invalid("correlation is a mapping", node) }
        if let stranger = pairs.first(where: { !Self.parts.contains($0.key) }) {
            throw invalid("`\(stranger.key)` is not a part of a correlation", stranger.value)
        }
        let kind = try kind(node)
        let written = try texts(node, "rules")
        let condition = try condition(node, kind, rules: written)
        let rules = written.isEmpty ? condition.rules : written
        guard !rules.isEmpty else { throw invalid("the correlation names no rules", node["rules"] ?? node) }
        guard Set(rules).count == rules.count else {
            throw invalid("the correlation names a rule twice", node["rules"] ?? node)
        }
        guard rules.count <= CorrelationDefinition.maximumInputs else {
            throw invalid(
                "a correlation has more than \(CorrelationDefinition.maximumInputs) rules", node["rules"] ?? node)
        }
        let groupBy = try texts(node, "group-by")
        let (timespan, timespanText) = try timespan(node)
        return CorrelationDefinition(
            kind: kind, rules: rules, groupBy: groupBy, valueFields: condition.fields,
            groupFields: try groupFields(node, groupBy: groupBy, rules: rules), timespan: timespan,
            timespanText: timespanText, condition: try condition.resolved(rules: rules, kind: kind, node, limits),
            percentile: condition.percentile, generates: try flag(node, "generate"))
    }

    private func kind(_ node: RuleNode) throws -> CorrelationDefinition.Kind {
        guard let type = node["type"], let text = type.text else { throw invalid("the correlation has no type", node) }
        guard let kind = CorrelationDefinition.Kind(rawValue: text) else {
            let known = CorrelationDefinition.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw invalid("unknown correlation type `\(text)`; known are \(known)", type)
        }
        return kind
    }

    // MARK: Timespan

    /// Seconds of the units that Sigma has; months and years are the Gregorian calendar's mean.
    private static let units: [Character: Int64] = [
        "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "M": 2_629_746, "y": 31_556_952,
    ]
    /// Ten years: longer windows would be a baseline.
    private static let maximumSeconds: Int64 = 315_569_520

    private func timespan(_ node: RuleNode) throws -> (Duration, String) {
        guard let member = node["timespan"], !member.isNull else {
            throw invalid("the correlation has no timespan", node)
        }
        return try Self.duration(member, "timespan")
    }

    /// A number with a unit, and as it is written.
    static func duration(_ member: RuleNode, _ name: String) throws -> (Duration, String) {
        guard let text = member.text, let unit = text.last.flatMap({ units[$0] }),
            text.dropLast().utf8.allSatisfy({ $0 &- 0x30 < 10 }), let number = Int64(text.dropLast()), number > 0
        else {
            throw invalid(
                "the \(name) `\(member.text ?? "")` is not a positive number with a unit of s, m, h, d, w, M or y",
                member)
        }
        let (seconds, overflow) = number.multipliedReportingOverflow(by: unit)
        guard !overflow, seconds <= maximumSeconds else {
            throw invalid("the \(name) is longer than ten years", member)
        }
        return (.seconds(seconds), text)
    }

    // MARK: Groups

    private func groupFields(_ node: RuleNode, groupBy: [String], rules: [String]) throws -> [[String]] {
        var aliases: [String: [String: String]] = [:]
        if let member = node["aliases"], !member.isNull {
            guard let pairs = member.mapping else { throw invalid("aliases is a mapping", member) }
            for (alias, fields) in pairs {
                guard let byRule = fields.mapping else {
                    throw invalid("the alias `\(alias)` maps rules to fields", fields)
                }
                for (rule, field) in byRule {
                    guard rules.contains(rule) else {
                        throw invalid(
                            "the alias `\(alias)` names `\(rule)`, which is not among the correlation's rules", field)
                    }
                    guard let name = field.text, !name.isEmpty else {
                        throw invalid("the alias `\(alias)` maps `\(rule)` to a field's name", field)
                    }
                    aliases[alias, default: [:]][rule] = name
                }
            }
        }
        return rules.map { rule in groupBy.map { aliases[$0]?[rule] ?? $0 } }
    }

    // MARK: Condition

    private func condition(
        _ node: RuleNode, _ kind: CorrelationDefinition.Kind, rules: [String]
    ) throws -> CorrelationConditionReader {
        guard let member = node["condition"], !member.isNull else {
            guard kind.isTemporal else { throw invalid("the correlation has no condition", node) }
            return CorrelationConditionReader()
        }
        if case .scalar(.string(let text)) = member.content {
            guard kind.isTemporal else {
                throw invalid(
                    "a condition over rules is for temporal correlations; `\(kind.rawValue)` compares a number", member)
            }
            return CorrelationConditionReader(expression: text, line: member.line)
        }
        return try CorrelationConditionReader(member, kind)
    }

    // MARK: Members

    private func texts(_ node: RuleNode, _ key: String) throws -> [String] {
        guard let member = node[key], !member.isNull else { return [] }
        return try (member.sequence ?? [member]).map { element in
            guard let text = element.text, !text.isEmpty else { throw invalid("`\(key)` is a list of names", element) }
            return text
        }
    }

    private func flag(_ node: RuleNode, _ key: String) throws -> Bool {
        guard let member = node[key], !member.isNull else { return false }
        guard case .scalar(.boolean(let value)) = member.content else {
            throw invalid("`\(key)` is true or false", member)
        }
        return value
    }

    private func invalid(_ reason: String, _ node: RuleNode) -> DetectionError { Self.invalid(reason, node) }

    private static func invalid(_ reason: String, _ node: RuleNode) -> DetectionError {
        DetectionError(.invalidRule, reason, line: node.line)
    }
}
