import QueryLanguage

/// Reads the `query` block of a rule that is a query of the search box: its text, and how many events in which time.
struct QueryRuleReader {
    let limits: RuleLimits

    struct Outcome {
        let expression: RuleExpression
        /// Nil for a rule that judges each event by itself.
        let definition: CorrelationDefinition?
    }

    /// - Parameter group: The rule's `custody.group`, which a threshold counts by.
    /// - Throws: ``DetectionError`` with the line.
    func read(_ node: RuleNode, group: [String]) throws -> Outcome {
        let pairs = node.mapping ?? []
        if let stranger = pairs.first(where: { !["text", "threshold", "window", "distinct"].contains($0.key) }) {
            throw invalid(
                "`\(stranger.key)` is not a part of a query; parts are text, threshold, window and distinct",
                stranger.value)
        }
        guard let text = node.text ?? node["text"]?.text, !text.isEmpty else {
            throw invalid("the query has no text", node)
        }
        let expression: RuleExpression
        do {
            expression = .predicate(
                Predicate(target: .anywhere, test: .query(try QueryCondition(parsing: text))))
        } catch let error as DetectionError {
            throw DetectionError(error.code, error.reason, line: node["text"]?.line ?? node.line)
        }
        return Outcome(expression: expression, definition: try definition(node, group: group))
    }

    private func definition(_ node: RuleNode, group: [String]) throws -> CorrelationDefinition? {
        guard let threshold = node["threshold"] else {
            for key in ["window", "distinct"] {
                if let member = node[key] { throw invalid("`\(key)` needs a threshold", member) }
            }
            return nil
        }
        guard case .scalar(.number(.integer(let count))) = threshold.content, count > 0,
            Double(count) <= CorrelationDefinition.maximumDistinct
        else {
            throw invalid(
                "the threshold is a whole number from 1 to \(RuleNumber(CorrelationDefinition.maximumDistinct).text)",
                threshold)
        }
        guard let window = node["window"] else { throw invalid("a threshold needs a window, such as 10m", node) }
        let (timespan, timespanText) = try CorrelationReader.duration(window, "window")
        var distinct: [String] = []
        if let member = node["distinct"] {
            guard let name = member.text, !name.isEmpty else { throw invalid("`distinct` is a field's name", member) }
            distinct = [name]
        }
        return CorrelationDefinition(
            kind: distinct.isEmpty ? .eventCount : .valueCount, rules: [], groupBy: group, valueFields: distinct,
            groupFields: [group], timespan: timespan, timespanText: timespanText,
            condition: .metric([CorrelationCondition.Bound(comparison: .gte, value: Double(count))]), percentile: 50,
            generates: false)
    }

    private func invalid(_ reason: String, _ node: RuleNode) -> DetectionError {
        DetectionError(.invalidRule, reason, line: node.line)
    }
}
