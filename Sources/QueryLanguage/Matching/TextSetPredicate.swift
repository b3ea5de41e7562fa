/// Whether one of several searches finds something in a text: exactly what their ``TextPredicate``s say one after the other,
/// but in one pass over the text however many they are.
package struct TextSetPredicate: Sendable {
    /// The searches that look for one literal.
    private struct Searches {
        /// What has to be around it, for those that it decides.
        var surroundings: [TextPredicate.Surroundings] = []
        /// Those that it only makes possible.
        var patterns: [TextPredicate] = []
    }

    private let automaton: LiteralAutomaton
    /// By the numbers of the automaton's literals.
    private let searches: [Searches]
    /// Searches without a literal.
    private let others: [TextPredicate]
    /// Of each search the tokens that every text holds in which it finds something.
    package let requiredTokens: [[TextPredicate.RequiredToken]]

    package init(_ matches: [TextMatch]) {
        let predicates = matches.map { TextPredicate($0) }
        requiredTokens = predicates.map(\.requiredTokens)
        var literals: [[UInt8]] = []
        var numbers: [[UInt8]: Int] = [:]
        var searches: [Searches] = []
        var others: [TextPredicate] = []
        for predicate in predicates {
            let (literal, surroundings) = predicate.landmark
            guard !literal.isEmpty else {
                others.append(predicate)
                continue
            }
            let number = numbers[literal] ?? literals.count
            if number == literals.count {
                numbers[literal] = number
                literals.append(literal)
                searches.append(Searches())
            }
            if let surroundings {
                searches[number].surroundings.append(surroundings)
            } else {
                searches[number].patterns.append(predicate)
            }
        }
        automaton = LiteralAutomaton(literals)
        self.searches = searches
        self.others = others
    }

    /// Whether one of the searches finds something.
    /// - Complexity: as ``matchesFolded(_:)``.
    package func matches(_ text: UnsafeRawBufferPointer) -> Bool { FoldedText.with(text, matchesFolded) }

    /// ``matches(_:)`` for a text that is already folded.
    /// - Complexity: linear in the text, and once more for each pattern whose longest literal it holds.
    package func matchesFolded(_ text: UnsafeRawBufferPointer) -> Bool {
        var asked: Set<Int> = []
        let isFound = automaton.contains(in: text) { literal, end in
            let searches = searches[literal]
            if searches.surroundings.contains(where: { $0.hold(in: text, endingAt: end) }) { return true }
            // A pattern answers for the whole text: one place of its literal is enough to ask.
            guard !searches.patterns.isEmpty, asked.insert(literal).inserted else { return false }
            return searches.patterns.contains { $0.matchesFolded(text) }
        }
        return isFound || others.contains { $0.matchesFolded(text) }
    }
}

extension TextPredicate {
    /// What has to be around a literal for a text to match.
    struct Surroundings: Sendable {
        let literalBytes: Int
        let startsAtEdge: Bool
        let endsAtEdge: Bool

        func hold(in text: UnsafeRawBufferPointer, endingAt end: Int) -> Bool {
            (!endsAtEdge || TextPredicate.isTokenEdge(in: text, at: end))
                && (!startsAtEdge || TextPredicate.isTokenEdge(in: text, at: end - literalBytes))
        }
    }
}
