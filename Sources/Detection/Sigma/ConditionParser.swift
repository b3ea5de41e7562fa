/// Reads a Sigma condition (specification: "Condition").
///
///     or = and {"or" and}    and = not {"and" not}    not = ["not"] atom
///     atom = "(" or ")" | ("1"|"any"|"all") "of" (pattern | "them") | identifier
///
/// Operators are whole words, in any case unless a selection bears that very name. Patterns and `them` pass over
/// selections whose names begin with `_`.
struct ConditionParser {
    private static let maximumTokens = 10_000

    private let tokens: [Substring]
    private let selections: [(name: String, expression: RuleExpression)]
    private let maximumDepth: Int
    private var position = 0

    private init(
        _ text: String, selections: [(name: String, expression: RuleExpression)], limits: RuleLimits
    ) throws {
        tokens = Self.tokens(of: text)
        self.selections = selections
        maximumDepth = limits.depth
        guard tokens.count <= Self.maximumTokens else {
            throw DetectionError(.invalidRule, "the condition has more than \(Self.maximumTokens) words")
        }
    }

    /// - Throws: ``DetectionError`` without a line; the caller knows it.
    static func parse(
        _ text: String, selections: [(name: String, expression: RuleExpression)], limits: RuleLimits
    ) throws -> RuleExpression {
        guard !text.utf8.contains(UInt8(ascii: "|")) else {
            throw DetectionError(
                .invalidRule, "the condition uses the old aggregation pipe `|`; correlation rules replaced it")
        }
        var parser = try ConditionParser(text, selections: selections, limits: limits)
        guard !parser.tokens.isEmpty else { throw DetectionError(.invalidRule, "the condition is empty") }
        let expression = try parser.parseOr(depth: 1)
        if let rest = parser.peek() {
            throw DetectionError(.invalidRule, "the condition has `\(rest)` where an operator should be")
        }
        return expression
    }

    private static func tokens(of text: String) -> [Substring] {
        var tokens: [Substring] = []
        var start: String.UTF8View.Index?
        let bytes = text.utf8
        for index in bytes.indices {
            let byte = bytes[index]
            let isBracket = byte == UInt8(ascii: "(") || byte == UInt8(ascii: ")")
            guard isBracket || byte <= 0x20 else {
                start = start ?? index
                continue
            }
            if let word = start { tokens.append(text[word..<index]) }
            start = nil
            if isBracket { tokens.append(text[index..<bytes.index(after: index)]) }
        }
        if let word = start { tokens.append(text[word...]) }
        return tokens
    }

    private func peek(_ ahead: Int = 0) -> Substring? {
        position + ahead < tokens.count ? tokens[position + ahead] : nil
    }

    private func isOperator(_ token: Substring?, _ word: String) -> Bool {
        guard let token else { return false }
        if token == word { return !isSelection(token) || word != "of" }
        return token.lowercased() == word && !isSelection(token)
    }

    private func isSelection(_ token: Substring) -> Bool { selections.contains { $0.name == token } }

    private mutating func parseOr(depth: Int) throws -> RuleExpression {
        var members = [try parseAnd(depth: depth)]
        while isOperator(peek(), "or") {
            position += 1
            members.append(try parseAnd(depth: depth))
        }
        return .any(of: members)
    }

    private mutating func parseAnd(depth: Int) throws -> RuleExpression {
        var members = [try parseNot(depth: depth)]
        while isOperator(peek(), "and") {
            position += 1
            members.append(try parseNot(depth: depth))
        }
        return .all(of: members)
    }

    private mutating func parseNot(depth: Int) throws -> RuleExpression {
        var isNegated = false
        while isOperator(peek(), "not") {
            isNegated.toggle()
            position += 1
        }
        let atom = try parseAtom(depth: depth)
        return isNegated ? .not(atom) : atom
    }

    private mutating func parseAtom(depth: Int) throws -> RuleExpression {
        guard let token = peek() else {
            throw DetectionError(
                .invalidRule, "the condition ends where a selection should be: operator without operand")
        }
        position += 1
        if token == "(" {
            guard depth < maximumDepth else {
                throw DetectionError(.invalidRule, "the condition is nested deeper than \(maximumDepth) levels")
            }
            let inner = try parseOr(depth: depth + 1)
            guard peek() == ")" else { throw DetectionError(.invalidRule, "the condition lacks a closing parenthesis") }
            position += 1
            return inner
        }
        if let selector = try parseSelector(after: token) { return selector }
        guard let selection = selections.first(where: { $0.name == token }) else {
            if token == ")" || ["and", "or", "not"].contains(token.lowercased()) {
                throw DetectionError(
                    .invalidRule, "the condition has `\(token)` where a selection should be: operator without operand")
            }
            throw DetectionError(.invalidRule, "the condition names `\(token)`, which is not a selection of the rule")
        }
        return selection.expression
    }

    private mutating func parseSelector(after token: Substring) throws -> RuleExpression? {
        guard peek()?.lowercased() == "of", let pattern = peek(1), pattern != ")",
            !["and", "or"].contains(pattern.lowercased()) || isSelection(pattern)
        else { return nil }
        let quantifier = token.lowercased()
        guard ["1", "any", "all"].contains(quantifier) else {
            guard token.utf8.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
            throw DetectionError(
                .invalidRule, "`\(token) of` is not a quantifier; Sigma has `1 of`, `any of` and `all of`")
        }
        position += 2
        let chosen = selections.filter { selection in
            !selection.name.hasPrefix("_") && (pattern == "them" || Self.matches(selection.name, pattern))
        }
        guard !chosen.isEmpty else {
            throw DetectionError(.invalidRule, "the selector `\(token) of \(pattern)` matches no selection")
        }
        let members = chosen.map(\.expression)
        return quantifier == "all" ? .all(of: members) : .any(of: members)
    }

    /// Whether a selection's name fits a pattern in which `*` stands for any characters.
    private static func matches(_ name: String, _ pattern: Substring) -> Bool {
        let pieces = pattern.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
        var rest = Array(name.utf8)[...]
        guard pieces.count > 1 else { return rest.elementsEqual(pieces[0]) }
        guard rest.starts(with: pieces[0]) else { return false }
        rest = rest.dropFirst(pieces[0].count)
        for piece in pieces[1..<(pieces.count - 1)] where !piece.isEmpty {
            guard let range = rest.firstRange(of: piece) else { return false }
            rest = rest[range.upperBound...]
        }
        return rest.count >= pieces[pieces.count - 1].count
            && rest.suffix(pieces[pieces.count - 1].count).elementsEqual(pieces[pieces.count - 1])
    }
}
