/// A search in all text of an event: its field values and its payload. ``TextPredicate`` is its exact meaning.
///
/// A *token* is a longest run of ASCII letters, digits, `_` and bytes from 0x80 (so letters outside ASCII). A *token edge*
/// is a position with token characters not on both sides. Case never matters.
package enum TextMatch: Hashable, Sendable {
    /// A bare word: the text occurs with a token edge before and after it. So `api` is found in `acme/api` and not in
    /// `apis`; a word of several tokens, `acme/api`, is found where they follow each other with the same separators.
    case word(String)
    /// `"a phrase"` and `*part*`: the text occurs anywhere.
    case substring(String)
    /// `part*`: the text occurs with a token edge before it.
    case wordPrefix(String)
    /// `*part`: the text occurs with a token edge after it.
    case wordSuffix(String)
    /// Any other word with wildcards, as `a*b`: the pattern occurs, `*` and `?` standing for characters other than white
    /// space and `"`, with token edges at the ends that are no `*`.
    case pattern(GlobPattern)
}
