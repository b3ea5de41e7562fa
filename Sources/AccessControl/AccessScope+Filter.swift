import EventModel
package import QueryLanguage

extension AccessScope {
    /// The scope as a condition that a store can execute; ``Filter/all`` when it does not restrict.
    package var filter: Filter {
        .conjunction(
            [
                Self.anyOf(sources, in: .sourceName), Self.anyOf(repositories, in: .vcsRepo),
                Self.anyOf(environments, in: .appEnv),
            ].compactMap(\.self))
    }

    /// Case is ignored, as the providers ignore it in repository names; names of sources are lower case anyway.
    private static func anyOf(_ patterns: [String], in field: Field) -> Filter? {
        guard !patterns.isEmpty else { return nil }
        let matches = patterns.map { pattern -> ValueMatch in
            if pattern == "*" { return .present }
            let hasWildcard = pattern.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }
            return hasWildcard ? .glob(GlobPattern(parsing: pattern)) : .equals(pattern)
        }
        return .field(.field(field), matches.count == 1 ? matches[0] : .oneOf(matches))
    }
}
