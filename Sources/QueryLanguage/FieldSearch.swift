package import EventModel

/// One field and what to look for in it.
package struct FieldSearch: Hashable, Sendable {
    package let field: Field
    package let match: ValueMatch
}

extension FieldReference {
    /// The searches of canonical fields, of which any one suffices, that a term stands for; nil for the index, paths of the
    /// payload, `ext` and columns, which are no canonical fields.
    ///
    /// `source` holds more than its fields: `source:github` also finds the kinds that begin `github-`.
    package func searches(for match: ValueMatch) -> [FieldSearch]? {
        switch self {
        case .field(let field): return [FieldSearch(field: field, match: match)]
        case .alias(.source):
            let fields = Alias.source.searched.map { FieldSearch(field: $0, match: match) }
            return match.asFamily.map { fields + [FieldSearch(field: .sourceKind, match: $0)] } ?? fields
        case .alias(let alias): return alias.searched.map { FieldSearch(field: $0, match: match) }
        case .leafIndex, .raw, .ext, .column: return nil
        }
    }
}

extension ValueMatch {
    /// For whole values, what begins with them and a hyphen; nil when nothing here is a whole value. Exact stays exact.
    fileprivate var asFamily: ValueMatch? {
        switch self {
        case .equals(let text): return .prefix(text + "-")
        case .oneOf(let members):
            let families = members.compactMap(\.asFamily)
            return families.isEmpty ? nil : families.count == 1 ? families[0] : .oneOf(families)
        default: return nil
        }
    }
}
