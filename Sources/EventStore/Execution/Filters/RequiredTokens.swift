import EventModel
import QueryLanguage

/// Tokens that a record must hold for a value in it to match: all those of one of the alternatives. What the token index
/// can narrow a search with.
struct RequiredTokens: Sendable {
    let alternatives: [[TextPredicate.RequiredToken]]

    /// More look-ups than this cost more than they save.
    private static let maximumAlternatives = 256

    /// - Parameter inPayload: the value is one of JSON: a number may be written in several ways, control characters are
    ///   escaped with letters that then adjoin a token.
    init?(_ match: ValueMatch, inPayload: Bool) {
        guard let alternatives = Self.alternatives(match, inPayload), alternatives.count <= Self.maximumAlternatives,
            alternatives.allSatisfy({ !$0.isEmpty })
        else { return nil }
        self.alternatives = alternatives
    }

    private static func alternatives(
        _ match: ValueMatch, _ inPayload: Bool
    ) -> [[TextPredicate.RequiredToken]]? {
        func tokens(_ text: String, _ match: TextMatch) -> [[TextPredicate.RequiredToken]]? {
            guard !inPayload || isPlainText(text) else { return nil }
            return [TextPredicate(match).requiredTokens]
        }
        switch match {
        case .equals(let text), .exact(let text): return tokens(text, .word(text))
        case .prefix(let text): return tokens(text, .wordPrefix(text))
        case .glob(let glob): return tokens(glob.literals.joined(), .pattern(glob))
        case .oneOf(let members):
            let all = members.map { alternatives($0, inPayload) }
            guard !all.contains(where: { $0 == nil }) else { return nil }
            return all.compactMap(\.self).flatMap(\.self)
        case .present, .regex, .compare, .range, .network: return nil
        }
    }

    /// Whether a value of JSON with this text is a string in which nothing needs an escape with a letter.
    private static func isPlainText(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 }
            && text.utf8.contains { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"),
                    UInt8(ascii: "+"), UInt8(ascii: "-"):
                    false
                default: true
                }
            }
    }
}
