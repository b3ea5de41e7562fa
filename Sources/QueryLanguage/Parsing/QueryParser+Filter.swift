extension QueryParser {
    private static let operators: Set<String> = ["AND", "OR", "NOT"]

    /// or = and {"OR" and}
    mutating func disjunction() throws(QueryError) -> Filter {
        var members = [try conjunction()]
        while takeOperator("OR") { members.append(try conjunction()) }
        return .disjunction(members)
    }

    /// and = not {["AND"] not}
    private mutating func conjunction() throws(QueryError) -> Filter {
        var members = [try negation()]
        while true {
            let hasOperator = takeOperator("AND")
            scanner.skipSpace()
            let ends = scanner.isBoundary(at: scanner.position) || peekOperator("OR")
            if ends, !hasOperator { break }
            members.append(try negation())
        }
        return .conjunction(members)
    }

    /// not = ["-"|"NOT"] atom
    private mutating func negation() throws(QueryError) -> Filter {
        scanner.skipSpace()
        let start = scanner.position
        let isNegated = takeMinus() || takeOperator("NOT")
        guard isNegated else { return try atom() }
        try enter(at: start)
        defer { leave() }
        return .negation(try negation())
    }

    /// A minus negates only before an atom: not alone, and not before another minus (so `--privileged` is a word).
    private mutating func takeMinus() -> Bool {
        let after = scanner.position + 1
        guard scanner.next == "-", !scanner.isBoundary(at: after), scanner.scalar(at: after) != "-" else {
            return false
        }
        scanner.position += 1
        return true
    }

    /// atom = "(" or ")" | field ":" value | term | "*"
    private mutating func atom() throws(QueryError) -> Filter {
        scanner.skipSpace()
        let start = scanner.position
        guard let next = scanner.next, next != "|" else {
            throw scanner.error(.syntax, start..<start, "a term is missing here")
        }
        switch next {
        case "(": return try group()
        case ")":
            throw scanner.error(
                depth == 0 ? .unbalancedParenthesis : .syntax, start..<start + 1,
                depth == 0 ? "this parenthesis closes nothing" : "a term is missing before this parenthesis")
        case "\"": return try phrase()
        default: break
        }
        if let reference = try fieldBeforeColon() {
            let match = try value(of: reference)
            return .field(reference, match)
        }
        return try bareWord()
    }

    private mutating func group() throws(QueryError) -> Filter {
        let start = scanner.position
        scanner.position += 1
        try enter(at: start)
        defer { leave() }
        let inner = try disjunction()
        scanner.skipSpace()
        guard scanner.take(")") else {
            throw scanner.error(.unbalancedParenthesis, start..<start + 1, "this parenthesis is never closed")
        }
        return inner
    }

    private mutating func phrase() throws(QueryError) -> Filter {
        let start = scanner.position
        let text = try scanner.quoted()
        try countTerm(at: start..<scanner.position)
        guard !text.isEmpty else {
            throw scanner.error(.emptyValue, start..<scanner.position, "an empty phrase finds nothing in particular")
        }
        try requireBoundary(after: start)
        return .text(.substring(text))
    }

    private mutating func bareWord() throws(QueryError) -> Filter {
        let word = try scanner.word()
        if Self.operators.contains(word.raw) {
            throw scanner.error(
                .syntax, word.range,
                "\(word.raw) stands between or before terms; write \\\(word.raw) to search for the word")
        }
        if word.glob.pieces == [.run] { return .all }
        try countTerm(at: word.range)
        return .text(try textMatch(word))
    }

    private func textMatch(_ word: Word) throws(QueryError) -> TextMatch {
        switch Self.simplest(word.glob) {
        case .some(let match): return match
        case .none:
            let hasGap = word.glob.literals.contains { literal in
                literal.unicodeScalars.contains { $0 == "\"" || $0.properties.isWhitespace }
            }
            guard !hasGap else {
                throw scanner.error(
                    .syntax, word.range,
                    "a word with wildcards holds no spaces or quotes; search for a phrase or in a field")
            }
            return .pattern(word.glob)
        }
    }

    private static func simplest(_ glob: GlobPattern) -> TextMatch? {
        switch glob.pieces.count {
        case 1:
            if case .literal(let text) = glob.pieces[0] { return .word(text) }
        case 2:
            if case .literal(let text) = glob.pieces[0], glob.pieces[1] == .run { return .wordPrefix(text) }
            if case .literal(let text) = glob.pieces[1], glob.pieces[0] == .run { return .wordSuffix(text) }
        case 3:
            if case .literal(let text) = glob.pieces[1], glob.startsWithRun, glob.endsWithRun {
                return .substring(text)
            }
        default: break
        }
        return nil
    }

    func requireBoundary(after start: Int) throws(QueryError) {
        guard scanner.isBoundary(at: scanner.position) else {
            throw scanner.error(
                .syntax, scanner.position..<scanner.position + 1, "a space is missing after the closing quote")
        }
    }

    // MARK: - Operators

    private func peekOperator(_ name: String) -> Bool {
        var ahead = scanner
        ahead.skipSpace()
        return ahead.take(name) && (ahead.isBoundary(at: ahead.position) || ahead.next == "(")
    }

    private mutating func takeOperator(_ name: String) -> Bool {
        guard peekOperator(name) else { return false }
        scanner.skipSpace()
        return scanner.take(name)
    }
}
