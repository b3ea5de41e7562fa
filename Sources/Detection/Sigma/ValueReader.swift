/// Turns one value of a text-like field into tests: placeholders, then the modifiers in the rule's order.
struct ValueReader {
    let variables: [String: [String]]
    let limits: RuleLimits

    func tests(of scalar: CoreScalar, modifiers: FieldModifiers, isKeyword: Bool) throws -> [ValueTest] {
        var patterns: [SigmaPattern]
        switch scalar {
        case .null:
            guard modifiers.transforms.isEmpty else { throw wrongType("null", modifiers) }
            guard !isKeyword else { throw DetectionError(.invalidRule, "a keyword cannot be null") }
            return [.isNull]
        case .boolean, .number:
            guard modifiers.transforms.isEmpty else { throw wrongType("text", modifiers) }
            patterns = [SigmaPattern(literal: scalar.text ?? "")]
        case .string(let text):
            patterns = modifiers.expandsPlaceholders ? try expand(text) : [SigmaPattern(parsing: text)]
            for transform in modifiers.transforms {
                patterns = try patterns.flatMap(transform.apply)
                guard patterns.count <= limits.expandedValues else {
                    throw DetectionError(.invalidRule, "a value expands to more than \(limits.expandedValues) patterns")
                }
            }
        }
        if isKeyword { patterns = try patterns.flatMap(ValueTransform.contains.apply) }
        return patterns.map { .pattern($0, isCased: modifiers.isCased) }
    }

    private func wrongType(_ found: String, _ modifiers: FieldModifiers) -> DetectionError {
        let name = modifiers.transforms.first?.rawValue ?? ""
        return DetectionError(.invalidRule, "the modifier `\(name)` needs text\(found == "null" ? ", not null" : "")")
    }

    /// Replaces every `%name%` by each of its values, which may hold wildcards: all combinations.
    private func expand(_ text: String) throws -> [SigmaPattern] {
        var results = [""]
        var rest = text[...]
        while let open = rest.firstIndex(of: "%") {
            let name = rest[rest.index(after: open)...].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            guard !name.isEmpty, name.endIndex < rest.endIndex, rest[name.endIndex] == "%" else {
                append(rest[...open], to: &results)
                rest = rest[rest.index(after: open)...]
                continue
            }
            guard let values = variables[String(name)], !values.isEmpty else {
                throw DetectionError(.invalidRule, "the placeholder %\(name)% has no values")
            }
            append(rest[..<open], to: &results)
            guard results.count * values.count <= limits.expandedValues else {
                throw DetectionError(.invalidRule, "a value expands to more than \(limits.expandedValues) patterns")
            }
            results = results.flatMap { result in values.map { result + $0 } }
            rest = rest[rest.index(after: name.endIndex)...]
        }
        append(rest, to: &results)
        return results.map(SigmaPattern.init(parsing:))
    }

    private func append(_ text: Substring, to results: inout [String]) {
        for index in results.indices { results[index] += text }
    }
}
