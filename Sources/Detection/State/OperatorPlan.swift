/// How the rules of a set feed each other: which matches go to which operators, in which order operators run, and which
/// rules raise anything themselves. References are resolved and free of cycles when a plan is made.
struct OperatorPlan: Sendable {
    /// Where the matches of a rule go.
    struct Consumer: Sendable {
        /// The operator's place in ``operators``.
        let place: Int
        let input: Int
        let fields: [FieldName]
    }

    struct Member: Sendable {
        /// The rule's place in its set.
        let rule: Int
        let definition: any OperatorDefinition
        /// Tells one definition from another: the texts of the rule and of those that feed it.
        let version: String
    }

    /// In the order in which they run: what feeds another comes before it.
    private(set) var operators: [Member] = []
    /// By rule: who takes events that its selections matched.
    private(set) var ofMatches: [[Consumer]]
    /// By rule: who takes what its operator found.
    private(set) var ofFindings: [[Consumer]]
    /// By rule: whether what it finds is raised, or only feeds others.
    private(set) var isRaised: [Bool]

    init(_ rules: [SigmaRule]) {
        ofMatches = Array(repeating: [], count: rules.count)
        ofFindings = ofMatches
        isRaised = Array(repeating: true, count: rules.count)
        let names = RuleReferences(rules)
        var feeders: [Int: [Int]] = [:]
        var isHidden = [Bool](repeating: false, count: rules.count)
        var isKept = isHidden
        for (number, rule) in rules.enumerated() {
            guard let definition = rule.definition else { continue }
            let inputs = definition.inputs.map { names.number(of: $0.rule, in: number) }
            feeders[number] = inputs.compactMap { $0 == number ? nil : $0 }
            for case let input? in inputs where input != number {
                if definition.raisesInputs { isKept[input] = true } else { isHidden[input] = true }
            }
        }
        for number in rules.indices { isRaised[number] = !isHidden[number] || isKept[number] }
        let first = rules.indices.filter { rules[$0].definition?.runsAfterCorrelations == false }
        let second = rules.indices.filter { rules[$0].definition?.runsAfterCorrelations == true }
        var places: [Int: Int] = [:]
        var visiting: Set<Int> = []
        for number in first + second { visit(number, rules, feeders, &places, &visiting) }
        for (place, member) in operators.enumerated() {
            for (input, source) in member.definition.inputs.enumerated() {
                guard let number = names.number(of: source.rule, in: member.rule) else { continue }
                let naming = FieldNaming(source: rules[number].logSource)
                let consumer = Consumer(place: place, input: input, fields: source.fields.map(naming.name))
                if number != member.rule, rules[number].definition != nil {
                    ofFindings[number].append(consumer)
                } else {
                    ofMatches[number].append(consumer)
                }
            }
        }
    }

    private mutating func visit(
        _ number: Int, _ rules: [SigmaRule], _ feeders: [Int: [Int]], _ places: inout [Int: Int],
        _ visiting: inout Set<Int>
    ) {
        guard let definition = rules[number].definition, places[number] == nil, visiting.insert(number).inserted
        else { return }
        for feeder in feeders[number] ?? [] { visit(feeder, rules, feeders, &places, &visiting) }
        places[number] = operators.count
        let texts = [rules[number].hash] + (feeders[number] ?? []).map { rules[$0].hash }
        operators.append(Member(rule: number, definition: definition, version: texts.joined(separator: " ")))
    }
}

/// Finds rules by what other rules call them: the id or the name.
struct RuleReferences {
    private var numbers: [String: Int] = [:]

    init(_ rules: [SigmaRule]) {
        for (number, rule) in rules.enumerated().reversed() { if let name = rule.name { numbers[name] = number } }
        for (number, rule) in rules.enumerated() { if let id = rule.id { numbers[id] = number } }
    }

    subscript(_ reference: String) -> Int? { numbers[reference] ?? numbers[reference.lowercased()] }

    func number(of input: OperatorInput.Rule, in number: Int) -> Int? {
        switch input {
        case .itself: number
        case .named(let name): self[name]
        }
    }
}
