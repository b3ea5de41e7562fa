/// The condition of a correlation while it is being read.
struct CorrelationConditionReader {
    private var bounds: [CorrelationCondition.Bound] = []
    private var expression: String?
    private var line = 0
    private(set) var fields: [String] = []
    /// The median where the rule says nothing.
    private(set) var percentile = 50.0

    /// A temporal correlation without a condition: every rule.
    init() {}

    init(expression: String, line: Int) {
        self.expression = expression
        self.line = line
    }

    /// - Throws: ``DetectionError`` with the line.
    init(_ node: RuleNode, _ kind: CorrelationDefinition.Kind) throws {
        guard let pairs = node.mapping, !pairs.isEmpty else {
            throw Self.invalid("the correlation's condition is a mapping, or text over rules", node)
        }
        for (key, value) in pairs {
            if let comparison = CorrelationCondition.Bound.Comparison(rawValue: key) {
                guard case .scalar(.number(let number)) = value.content else {
                    throw Self.invalid("`\(key)` needs a number", value)
                }
                bounds.append(CorrelationCondition.Bound(comparison: comparison, value: number.double))
            } else if key == "field" {
                fields = try (value.sequence ?? [value]).map { element in
                    guard let text = element.text, !text.isEmpty else {
                        throw Self.invalid("`field` is a name", element)
                    }
                    return text
                }
            } else if key == "percentile", kind == .valuePercentile {
                guard case .scalar(.number(let number)) = value.content, (0...100).contains(number.double) else {
                    throw Self.invalid("`percentile` is a number from 0 to 100", value)
                }
                percentile = number.double
            } else {
                throw Self.invalid("unknown operator `\(key)` in the correlation's condition", value)
            }
        }
        guard !bounds.isEmpty else { throw Self.invalid("the correlation's condition compares nothing", node) }
        guard kind.needsField == !fields.isEmpty else {
            throw Self.invalid(
                kind.needsField
                    ? "`\(kind.rawValue)` needs a field in its condition"
                    : "`\(kind.rawValue)` has no field to look at", node)
        }
        guard fields.count < 2 || kind == .valueCount else {
            throw Self.invalid("only `value_count` takes several fields", node)
        }
        try check(kind, node)
    }

    private func check(_ kind: CorrelationDefinition.Kind, _ node: RuleNode) throws {
        let largest = bounds.map(\.value).max() ?? 0
        let limit = kind == .valueCount ? CorrelationDefinition.maximumDistinct : CorrelationDefinition.maximumCount
        guard ![.eventCount, .valueCount].contains(kind) || largest <= limit else {
            throw Self.invalid("`\(kind.rawValue)` counts up to \(RuleNumber(limit).text)", node)
        }
    }

    /// The rules that an expression names; for correlations that list none.
    var rules: [String] {
        var names: [String] = []
        for word in (expression ?? "").split(whereSeparator: { " \t\n()".contains($0) })
        where !["and", "or", "not"].contains(word.lowercased()) && !names.contains(String(word)) {
            names.append(String(word))
        }
        return names
    }

    func resolved(
        rules: [String], kind: CorrelationDefinition.Kind, _ node: RuleNode, _ limits: RuleLimits
    ) throws -> CorrelationCondition {
        guard let expression else {
            return .metric(
                bounds.isEmpty ? [CorrelationCondition.Bound(comparison: .gte, value: Double(rules.count))] : bounds)
        }
        // The words of Sigma's conditions; a selection stands for the input of that place.
        let places = rules.enumerated().map { place, rule in
            (
                name: rule,
                expression: RuleExpression.predicate(Predicate(target: .field(FieldName(String(place))), test: .exists))
            )
        }
        do {
            guard kind == .temporal || rules.count <= CorrelationDefinition.maximumOrderedInputs else {
                throw DetectionError(
                    .invalidRule,
                    "an ordered condition has more than \(CorrelationDefinition.maximumOrderedInputs) rules")
            }
            let condition = Self.condition(
                try ConditionParser.parse(expression, selections: places, limits: limits), rules)
            guard !condition.holds(0) else {
                throw DetectionError(
                    .invalidRule,
                    "the condition holds when nothing happens: it needs a rule that has to match, as in `a and not b`")
            }
            return .inputs(condition)
        } catch let error as DetectionError {
            let reason = error.reason.replacing(
                "which is not a selection of the rule", with: "which is not among its rules")
            throw DetectionError(error.code, reason, line: line)
        }
    }

    private static func condition(_ expression: RuleExpression, _ rules: [String]) -> InputCondition {
        switch expression {
        case .predicate(let predicate):
            let place = Int(predicate.target.description) ?? 0
            return .input(place, name: rules[place])
        case .all(let members): return .all(members.map { condition($0, rules) })
        case .any(let members): return .any(members.map { condition($0, rules) })
        case .not(let inner): return .not(condition(inner, rules))
        }
    }

    private static func invalid(_ reason: String, _ node: RuleNode) -> DetectionError {
        DetectionError(.invalidRule, reason, line: node.line)
    }
}
