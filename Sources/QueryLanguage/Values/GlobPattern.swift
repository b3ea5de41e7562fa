/// A text with wildcards: `*` stands for any characters or none, `?` for exactly one Unicode scalar. ``GlobMatcher``
/// matches it.
package struct GlobPattern: Hashable, Sendable {
    package enum Piece: Hashable, Sendable {
        case literal(String)
        case one
        case run
    }

    /// In normal form: no two literals and no two runs in a row, no empty literal, and `?` before `*` where they meet.
    package let pieces: [Piece]

    package init(_ pieces: [Piece]) {
        var normal: [Piece] = []
        var ones = 0
        var hasRun = false
        func flush() {
            normal.append(contentsOf: repeatElement(.one, count: ones))
            if hasRun { normal.append(.run) }
            ones = 0
            hasRun = false
        }
        for piece in pieces {
            switch piece {
            case .one: ones += 1
            case .run: hasRun = true
            case .literal(let text):
                guard !text.isEmpty else { continue }
                if ones == 0, !hasRun, case .literal(let before)? = normal.last {
                    normal[normal.count - 1] = .literal(before + text)
                } else {
                    flush()
                    normal.append(.literal(text))
                }
            }
        }
        flush()
        self.pieces = normal
    }

    /// Reads text in which `*` and `?` are wildcards and `\` makes the next character literal.
    package init(parsing text: String) {
        var pieces: [Piece] = []
        var literal = String.UnicodeScalarView()
        var isEscaped = false
        for scalar in text.unicodeScalars {
            if isEscaped {
                literal.append(scalar)
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else if scalar == "*" || scalar == "?" {
                pieces.append(.literal(String(literal)))
                pieces.append(scalar == "*" ? .run : .one)
                literal.removeAll()
            } else {
                literal.append(scalar)
            }
        }
        if isEscaped { literal.append("\\") }
        pieces.append(.literal(String(literal)))
        self.init(pieces)
    }

    package var hasWildcards: Bool { pieces.contains { $0 == .one || $0 == .run } }

    /// The text before the first wildcard: every match begins with it.
    package var literalPrefix: String {
        guard case .literal(let text)? = pieces.first else { return "" }
        return text
    }

    /// The literal parts: every match contains each of them, in order.
    package var literals: [String] {
        pieces.compactMap { if case .literal(let text) = $0 { text } else { nil } }
    }

    /// Bytes of its literals and one for each wildcard.
    package var length: Int {
        pieces.reduce(0) { length, piece in
            if case .literal(let text) = piece { length + text.utf8.count } else { length + 1 }
        }
    }

    package var wildcardCount: Int { pieces.count { $0 == .one || $0 == .run } }

    package var startsWithRun: Bool { pieces.first == .run }
    package var endsWithRun: Bool { pieces.last == .run }
}
