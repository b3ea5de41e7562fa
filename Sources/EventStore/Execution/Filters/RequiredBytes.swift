import EventModel
import QueryLanguage

/// Bytes that every record for which a filter holds must contain somewhere, whatever their case: what makes scanning cheap.
///
/// A record may contain them and not match; it is checked then. Any of the fragments suffices; nil means that nothing is
/// known.
struct RequiredBytes: Sendable {
    let fragments: [[UInt8]]

    /// More alternatives than this cost more to look for than they save: each is a pass over a record, some hundred nanoseconds,
    /// and a record that is not ruled out is evaluated value by value, some tens of microseconds.
    static let maximumFragments = 32
    /// Shorter fragments are everywhere.
    private static let minimumLength = 3

    init?(_ filter: CompiledFilter) {
        guard let fragments = Self.fragments(of: filter), fragments.count <= Self.maximumFragments else { return nil }
        self.fragments = fragments
    }

    private static func fragments(of filter: CompiledFilter) -> [[UInt8]]? {
        switch filter {
        case .text(let test): return test.required
        case .payload(let test): return fragments(ofKey: test.path.lastSegment)
        case .and(let members):
            // The set whose shortest fragment is longest is the rarest, as far as one can tell.
            return members.compactMap(fragments).max { shortest($0) < shortest($1) }
        case .or(let members):
            let all = members.map(fragments)
            guard !all.contains(where: { $0 == nil }) else { return nil }
            return Array(Set(all.compactMap(\.self).flatMap(\.self)))
        default: return nil
        }
    }

    /// A payload with a value at a path has the path's last key in it, as it is or with an escape.
    private static func fragments(ofKey key: [UInt8]) -> [[UInt8]]? {
        let isPlain = key.allSatisfy { byte in
            byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
                && byte != UInt8(ascii: "/")
        }
        guard isPlain, key.count >= minimumLength else { return nil }
        return [key.map(CaseFolding.fold), Array("\\u".utf8)]
    }

    /// What to look for in packed text instead; nil when a fragment has no part that is rare enough there.
    var packed: PackedSearch? { PackedSearch(fragments) }

    private static func shortest(_ fragments: [[UInt8]]) -> Int { fragments.map(\.count).min() ?? 0 }

    /// The longest stretch of a searched text that, folded, can come from nothing but itself in any ASCII case.
    ///
    /// Case folding is not one to one: the Kelvin sign folds to `k`. So neither `k` nor anything beyond ASCII may be part of
    /// it.
    static func fragment(of match: TextMatch) -> [UInt8]? {
        switch match {
        case .word(let text), .substring(let text), .wordPrefix(let text), .wordSuffix(let text):
            return fragment(of: text)
        case .pattern(let glob): return glob.literals.compactMap(fragment).max { $0.count < $1.count }
        }
    }

    private static func fragment(of text: String) -> [UInt8]? {
        let parts = CaseFolding.folded(text).split { $0 >= 0x80 || $0 == UInt8(ascii: "k") }
        guard let longest = parts.max(by: { $0.count < $1.count }), longest.count >= minimumLength else { return nil }
        return Array(longest)
    }
}
