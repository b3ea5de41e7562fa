import EventModel

extension Filter {
    /// The canonical spelling, which the parser reads back as this filter when it is in normal form.
    package var canonical: String { canonical(escapingColons: false) }

    /// - Parameter escapingColons: whether every bare word with a colon begins with an escape, as after a stage, where any name
    ///   may be a column's; before, it only gets one where a field's name would be read.
    func canonical(escapingColons: Bool) -> String {
        func text(_ member: Filter, in context: Context) -> String {
            let text = member.canonical(escapingColons: escapingColons)
            return member.needsParentheses(in: context) ? "(\(text))" : text
        }
        return switch self {
        case .all: "*"
        case .and(let members): members.map { text($0, in: .and) }.joined(separator: " ")
        case .or(let members): members.map { text($0, in: .or) }.joined(separator: " OR ")
        case .not(let inner): "-" + text(inner, in: .not)
        case .field(let reference, let match): reference.canonical + ":" + match.canonical
        case .text(let match): match.canonical(escapingColons: escapingColons)
        }
    }

    private enum Context { case and, or, not }

    private func needsParentheses(in context: Context) -> Bool {
        switch (self, context) {
        case (.or, .and), (.and, .not), (.or, .not): true
        default: false
        }
    }
}

extension TextMatch {
    func canonical(escapingColons: Bool) -> String {
        switch self {
        case .word(let text): Self.plain(CanonicalText.escaped(text), escapingColons)
        case .substring(let text): CanonicalText.quoted(text)
        case .wordPrefix(let text): Self.plain(CanonicalText.escaped(text) + "*", escapingColons)
        case .wordSuffix(let text): "*" + CanonicalText.escaped(text)
        case .pattern(let glob): Self.plain(CanonicalText.pattern(glob), escapingColons)
        }
    }

    /// A word at the start of a term, with a backslash before it when it would be read as an operator, a negation or the
    /// name of a field.
    private static func plain(_ word: String, _ escapingColons: Bool) -> String {
        let isOperator = ["OR", "AND", "NOT"].contains(word)
        // A word that begins with an escape is read as a word already.
        guard let first = word.unicodeScalars.first else { return word }
        let mayHaveName = FieldName.isNameStart(first) && word.unicodeScalars.contains(":")
        let hasName = mayHaveName && (escapingColons || FieldName.separates(word: word))
        let needsEscape = first != "\\" && (isOperator || hasName || first == "-")
        return needsEscape ? "\\" + word : word
    }
}

extension ValueMatch {
    package var canonical: String {
        switch self {
        case .present: "*"
        case .equals(let text), .prefix(let text): Self.value(text)
        case .exact(let text): "=" + Self.value(text)
        case .glob(let glob): Self.glob(glob)
        case .regex(let regex): CanonicalText.regex(regex.pattern)
        // A relative time alone means since then, hence the sign.
        case .compare(.equal, .time(let time)): time.isAgo ? "=" + time.text : time.text
        case .compare(.equal, let literal): literal.canonical
        case .compare(let comparison, let literal): comparison.rawValue + literal.canonical
        case .range(let lower, let upper): "\(lower.canonical)..\(upper.canonical)"
        case .network(let range): range.text
        case .oneOf(let members): "(" + members.map(\.canonical).joined(separator: " OR ") + ")"
        }
    }

    /// What makes something other than a plain term of a value that begins with it.
    private static let signs: Set<Unicode.Scalar> = ["=", "<", ">", "/"]

    /// A value needs quotes when it is empty, holds a special character, or begins like something else. In a list, the
    /// operators' names do too.
    private static func value(_ text: String) -> String {
        let beginsOtherwise = text.unicodeScalars.first.map(signs.contains) ?? true
        let isOperator = ["OR", "AND", "NOT"].contains(text)
        let needsQuotes =
            beginsOtherwise || isOperator || text.unicodeScalars.contains(where: CanonicalText.isSpecial)
        return needsQuotes ? CanonicalText.quoted(text) : text
    }

    private static func glob(_ glob: GlobPattern) -> String {
        let text = CanonicalText.pattern(glob)
        return text.unicodeScalars.first.map(signs.contains) ?? false ? "\\" + text : text
    }
}

extension Literal {
    package var canonical: String {
        switch self {
        case .time(let time): time.text
        case .number(let number): number.text
        case .address(let address): address.text
        }
    }
}
