/// A word as it was typed, with its wildcards and without its escapes.
struct Word {
    let range: Range<Int>
    /// As typed.
    let raw: String
    let glob: GlobPattern

    /// The text of a word without wildcards.
    var text: String { glob.literals.joined() }
}

extension QueryScanner {
    /// Reads a word: everything up to white space, a parenthesis or a bar. The caller has seen that one begins here.
    mutating func word() throws(QueryError) -> Word {
        let start = position
        var pieces: [GlobPattern.Piece] = []
        var literal = String.UnicodeScalarView()
        while let scalar = next, !isBoundary(at: position) {
            switch scalar {
            case "\\":
                guard let escaped = self.scalar(at: position + 1) else {
                    throw error(.syntax, position..<position + 1, "a backslash at the end escapes nothing")
                }
                literal.append(escaped)
                position += 1
            case "\"":
                throw error(
                    .syntax, position..<position + 1,
                    "a quote inside a word: quote the whole value, or write \\\" for the character")
            case "(":
                throw error(
                    .syntax, position..<position + 1,
                    "a parenthesis inside a word: put a space before it, or quote the value")
            case "*", "?":
                pieces.append(.literal(String(literal)))
                pieces.append(scalar == "*" ? .run : .one)
                literal.removeAll()
            default: literal.append(scalar)
            }
            position += 1
        }
        pieces.append(.literal(String(literal)))
        let glob = GlobPattern(pieces)
        let range = start..<position
        if glob.hasWildcards, glob.length > QueryLimits.globLength {
            throw error(.tooLong, range, "a pattern with wildcards has at most \(QueryLimits.globLength) bytes")
        }
        guard glob.wildcardCount <= QueryLimits.globWildcards else {
            throw error(.tooMany, range, "a pattern has at most \(QueryLimits.globWildcards) wildcards")
        }
        return Word(range: range, raw: text(range), glob: glob)
    }

    /// Reads `"…"` from its opening quote. Only `\"` and `\\` are escapes; any other backslash is itself.
    mutating func quoted() throws(QueryError) -> String {
        let start = position
        position += 1
        var content = String.UnicodeScalarView()
        while let scalar = next {
            position += 1
            if scalar == "\"" { return String(content) }
            if scalar == "\\", let escaped = next, escaped == "\"" || escaped == "\\" {
                content.append(escaped)
                position += 1
            } else {
                content.append(scalar)
            }
        }
        throw error(.unterminatedQuote, start..<start + 1, "this quote is never closed")
    }

    /// Reads `/…/` from its opening slash; nil, and nothing read, when this is no regular expression: it is one when the
    /// next slash without a backslash ends the term. `\/` is a slash.
    mutating func regex() -> (pattern: String, range: Range<Int>)? {
        let start = position
        var index = position + 1
        var pattern = String.UnicodeScalarView()
        while let scalar = scalar(at: index), scalar != "/" {
            if scalar == "\\", let escaped = self.scalar(at: index + 1) {
                if escaped != "/" { pattern.append(scalar) }
                pattern.append(escaped)
                index += 2
            } else {
                pattern.append(scalar)
                index += 1
            }
        }
        guard index < scalars.count, index > start + 1, isBoundary(at: index + 1) else { return nil }
        position = index + 1
        return (String(pattern), start..<position)
    }
}
