import EventModel

/// The exact meaning of a ``TextMatch`` for one text: a field's value or the bytes of a payload, which are searched as they
/// are, JSON escapes and all.
///
/// An index may answer faster, and then has to answer the same. ``requiredTokens`` says what it can look up.
package struct TextPredicate: Sendable {
    private enum Shape: Sendable {
        case literal([UInt8], startsAtEdge: Bool, endsAtEdge: Bool)
        /// The pattern and its longest literal, whose absence settles most texts.
        case pattern(GlobMatcher, longest: [UInt8])
    }

    /// A token that every matching text holds, or an IPv4 address.
    package struct RequiredToken: Hashable, Sendable {
        /// Folded.
        package let bytes: [UInt8]
        /// Whether the text's token begins with these bytes; else it may go on before them.
        package let startsToken: Bool
        /// Whether the text's token ends with these bytes; else it may go on after them.
        package let endsToken: Bool
    }

    private let shape: Shape
    /// Every matching text holds all of these. Empty when the search has no token character, as `"..."`.
    package let requiredTokens: [RequiredToken]

    package init(_ match: TextMatch) {
        switch match {
        case .word(let text): self.init(text, startsAtEdge: true, endsAtEdge: true)
        case .substring(let text): self.init(text, startsAtEdge: false, endsAtEdge: false)
        case .wordPrefix(let text): self.init(text, startsAtEdge: true, endsAtEdge: false)
        case .wordSuffix(let text): self.init(text, startsAtEdge: false, endsAtEdge: true)
        case .pattern(let glob):
            let tokens = glob.pieces.enumerated().flatMap { index, piece -> [RequiredToken] in
                guard case .literal(let text) = piece else { return [] }
                return Self.tokens(
                    of: CaseFolding.folded(text), startsAtEdge: index == 0,
                    endsAtEdge: index == glob.pieces.count - 1)
            }
            self.init(
                shape: .pattern(
                    GlobMatcher(glob), longest: glob.literals.map(CaseFolding.folded).max { $0.count < $1.count } ?? []),
                requiredTokens: tokens)
        }
    }

    private init(shape: Shape, requiredTokens: [RequiredToken]) {
        self.shape = shape
        self.requiredTokens = requiredTokens
    }

    private init(_ text: String, startsAtEdge: Bool, endsAtEdge: Bool) {
        let folded = CaseFolding.folded(text)
        shape = .literal(folded, startsAtEdge: startsAtEdge, endsAtEdge: endsAtEdge)
        requiredTokens = Self.tokens(of: folded, startsAtEdge: startsAtEdge, endsAtEdge: endsAtEdge)
    }

    /// Whether the text is matched.
    /// - Complexity: linear in the text, but for patterns with `?`.
    package func matches(_ text: UnsafeRawBufferPointer) -> Bool { FoldedText.with(text, matchesFolded) }

    /// ``matches(_:)`` for a text that is already folded.
    package func matchesFolded(_ text: UnsafeRawBufferPointer) -> Bool {
        switch shape {
        case .literal(let needle, let startsAtEdge, let endsAtEdge):
            var offset = 0
            while let start = FoldedText.firstIndex(of: needle, in: text, from: offset) {
                let hasStart = !startsAtEdge || Self.isTokenEdge(in: text, at: start)
                if hasStart, !endsAtEdge || Self.isTokenEdge(in: text, at: start + needle.count) { return true }
                offset = start + 1
                // Only edges come into question, so that a long run of one character is not tried at each place.
                if startsAtEdge { offset = Self.nextTokenEdge(in: text, from: offset) }
                if endsAtEdge {
                    let end = Self.nextTokenEdge(in: text, from: offset + needle.count)
                    offset = max(offset, end - needle.count)
                }
            }
            return false
        case .pattern(let matcher, let longest):
            return FoldedText.firstIndex(of: longest, in: text, from: 0) != nil && Self.contains(matcher, text)
        }
    }

    /// Bytes that stand, folded, in every matching text, and what around them makes a text match; nil where they alone do
    /// not decide.
    var landmark: (literal: [UInt8], surroundings: Surroundings?) {
        switch shape {
        case .literal(let needle, let startsAtEdge, let endsAtEdge):
            let surroundings = Surroundings(
                literalBytes: needle.count, startsAtEdge: startsAtEdge, endsAtEdge: endsAtEdge)
            return (needle, surroundings)
        case .pattern(_, let longest): return (longest, nil)
        }
    }

    // MARK: - Tokens

    /// Whether a byte belongs to a token: an ASCII letter, a digit, `_`, or any byte from 0x80.
    package static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...0xFF:
            true
        default: false
        }
    }

    static func isTokenEdge(in text: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        guard offset > 0, offset < text.count else { return true }
        return !isTokenByte(text[offset - 1]) || !isTokenByte(text[offset])
    }

    /// The first edge at or after an offset; an offset beyond the text is itself.
    private static func nextTokenEdge(in text: UnsafeRawBufferPointer, from offset: Int) -> Int {
        var edge = offset
        while edge < text.count, !isTokenEdge(in: text, at: edge) { edge += 1 }
        return edge
    }

    private static func tokens(of text: [UInt8], startsAtEdge: Bool, endsAtEdge: Bool) -> [RequiredToken] {
        var tokens: [RequiredToken] = []
        // Where each begins.
        var starts: [Int] = []
        var start = 0
        while start < text.count {
            guard isTokenByte(text[start]) else {
                start += 1
                continue
            }
            let end = text[start...].firstIndex { !isTokenByte($0) } ?? text.count
            tokens.append(
                RequiredToken(
                    bytes: Array(text[start..<end]), startsToken: start > 0 || startsAtEdge,
                    endsToken: end < text.count || endsAtEdge))
            starts.append(start)
            start = end
        }
        return tokens + addresses(tokens, starts, text)
    }

    /// The IPv4 addresses among whole tokens, each as one: four numbers of at most three digits with a point between each.
    private static func addresses(_ tokens: [RequiredToken], _ starts: [Int], _ text: [UInt8]) -> [RequiredToken] {
        guard tokens.count >= 4 else { return [] }
        return (0...tokens.count - 4).compactMap { first in
            let parts = tokens[first..<first + 4]
            let isAddress = parts.allSatisfy { part in
                part.bytes.count <= 3 && part.bytes.allSatisfy { $0 &- UInt8(ascii: "0") < 10 }
            }
            let end = starts[first + 3] + tokens[first + 3].bytes.count
            let bytes = Array(parts.map(\.bytes).joined(separator: [UInt8(ascii: ".")]))
            guard isAddress, tokens[first].startsToken, tokens[first + 3].endsToken,
                text[starts[first]..<end].elementsEqual(bytes)
            else { return nil }
            return RequiredToken(bytes: bytes, startsToken: true, endsToken: true)
        }
    }

    // MARK: - Patterns

    /// Whether a pattern occurs inside one stretch without white space and quotes.
    private static func contains(_ matcher: GlobMatcher, _ text: UnsafeRawBufferPointer) -> Bool {
        var start = 0
        while start < text.count {
            let end = text[start...].firstIndex(where: isGap) ?? text.count
            if end > start, contains(matcher, text, start..<end) { return true }
            start = end + 1
        }
        return false
    }

    /// Places each segment as early as it goes. That suffices: a segment has a fixed number of scalars, so an earlier place
    /// ends earlier and leaves no less to those that follow.
    private static func contains(
        _ matcher: GlobMatcher, _ text: UnsafeRawBufferPointer, _ stretch: Range<Int>
    ) -> Bool {
        let stretchEnd = UnsafeRawBufferPointer(rebasing: text[..<stretch.upperBound])
        var position = stretch.lowerBound
        for (index, segment) in matcher.segments.enumerated() where !segment.parts.isEmpty {
            let isFirst = index == 0
            let isLast = index == matcher.segments.count - 1
            while true {
                guard let found = segment.first(in: stretchEnd, from: position) else { return false }
                let hasStart = !isFirst || isTokenEdge(in: text, at: found.lowerBound)
                if hasStart, !isLast || isTokenEdge(in: text, at: found.upperBound) {
                    position = found.upperBound
                    break
                }
                position = GlobMatcher.scalarEnd(in: text, at: found.lowerBound)
                guard position <= stretchEnd.count else { return false }
            }
        }
        return true
    }

    private static func isGap(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\"") || byte == 0x20 || (9...13).contains(byte)
    }
}
