extension RuleSet {
    /// The rule of a key (its id, else its name, else its title), or of a name.
    package func rule(_ key: String) -> SigmaRule? {
        let folded = key.lowercased()
        return rules.first { $0.key.lowercased() == folded } ?? rules.first { $0.name == key }
    }

    /// A rule with the rules that it refers to, as a set of their own.
    /// - Throws: ``DetectionError`` `unknown_rule`.
    package func selecting(_ key: String) throws -> RuleSet {
        guard let wanted = rule(key) else { throw DetectionError(.unknownRule, "there is no rule \(key)") }
        var keys: Set<String> = [wanted.key]
        var waiting = [wanted]
        while let next = waiting.popLast() {
            for input in next.definition?.inputs ?? [] {
                guard case .named(let name) = input.rule, let referred = rule(name), keys.insert(referred.key).inserted
                else { continue }
                waiting.append(referred)
            }
        }
        return filter { keys.contains($0.key) }
    }
}
