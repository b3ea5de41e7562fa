/// Which rules of a set can work: those whose references to other rules lead somewhere and to no circle.
struct RuleReferenceCheck {
    struct Refusal: Sendable {
        let rule: SigmaRule
        let reason: DetectionError
    }

    /// Long chains are nobody's intention, and each link costs an operator.
    static let maximumChain = 16

    /// With the routes of rules that have no log source of their own.
    private(set) var accepted: [SigmaRule] = []
    private(set) var refused: [Refusal] = []

    private let rules: [SigmaRule]
    private let names: RuleReferences
    private var outcome: [Int: Result<SourceRoute, DetectionError>] = [:]

    init(_ rules: [SigmaRule]) {
        self.rules = rules
        names = RuleReferences(rules)
        for number in rules.indices {
            var path: [Int] = []
            switch route(of: number, &path) {
            case .success(let route):
                var rule = rules[number]
                rule.route = route
                accepted.append(rule)
            case .failure(let reason): refused.append(Refusal(rule: rules[number], reason: reason))
            }
        }
    }

    private mutating func route(of number: Int, _ path: inout [Int]) -> Result<SourceRoute, DetectionError> {
        let rule = rules[number]
        guard let definition = rule.definition else { return .success(rule.route) }
        if let known = outcome[number] { return known }
        if path.contains(number) {
            let circle = path.drop { $0 != number } + [number]
            let text = circle.map { rules[$0].name ?? rules[$0].id ?? rules[$0].title }.joined(separator: " → ")
            return .failure(invalid("the correlation refers to itself: \(text)", rule))
        }
        guard path.count < Self.maximumChain else {
            return .failure(invalid("a chain of more than \(Self.maximumChain) correlations", rule))
        }
        path.append(number)
        let result = resolve(rule, number, definition, &path)
        path.removeLast()
        outcome[number] = result
        return result
    }

    private mutating func resolve(
        _ rule: SigmaRule, _ number: Int, _ definition: any OperatorDefinition, _ path: inout [Int]
    ) -> Result<SourceRoute, DetectionError> {
        var routes: [SourceRoute] = []
        for input in definition.inputs {
            guard case .named(let name) = input.rule else {
                routes.append(rule.route)
                continue
            }
            guard let other = names[name] else {
                return .failure(invalid("the rule `\(name)` that it refers to is unknown or was refused", rule))
            }
            switch route(of: other, &path) {
            case .success(let route): routes.append(route)
            case .failure(let reason):
                let isCircle = reason.reason.hasPrefix("the correlation refers to itself")
                return .failure(
                    isCircle
                        ? invalid(reason.reason, rule)
                        : invalid("the rule `\(name)` that it refers to is refused: \(reason.reason)", rule))
            }
        }
        return .success(Self.joined(routes, needsAll: definition.needsAllInputs))
    }

    /// The sources of all inputs; none when an input that it cannot do without has none.
    private static func joined(_ routes: [SourceRoute], needsAll: Bool) -> SourceRoute {
        if routes.allSatisfy(\.isDormant) || needsAll && routes.contains(where: \.isDormant) { return .kinds([]) }
        var kinds: [String] = []
        for route in routes {
            guard case .kinds(let names) = route else { return .everySource }
            for name in names where !kinds.contains(name) { kinds.append(name) }
        }
        return .kinds(kinds)
    }

    private func invalid(_ reason: String, _ rule: SigmaRule) -> DetectionError {
        DetectionError(.invalidRule, reason, file: rule.file, line: rule.line)
    }
}
