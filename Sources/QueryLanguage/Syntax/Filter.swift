/// Which events (or rows of a table) a query is about: the boolean part of the language.
///
/// The parser yields a normal form, and ``conjunction(_:)``, ``disjunction(_:)`` and ``negation(_:)`` keep it: `and` and `or` have at least
/// two members, none of them of the same kind, `and` never holds `all`, and `not` never holds `not`. Printing and parsing a filter in normal form
/// gives the same filter.
package indirect enum Filter: Hashable, Sendable {
    /// `*`: everything.
    case all
    case and([Filter])
    case or([Filter])
    case not(Filter)
    /// `actor:octocat`: the field, or any of the fields that a short name stands for, has a value that matches. Fields with
    /// several values match when any of them does.
    case field(FieldReference, ValueMatch)
    /// A bare word or phrase: found in any field or in the payload.
    case text(TextMatch)
}

extension Filter {
    /// All of the members hold. Flattens nested conjunctions and drops `all`.
    package static func conjunction(_ members: [Filter]) -> Filter {
        var flat: [Filter] = []
        for member in members {
            switch member {
            case .all: continue
            case .and(let inner): flat.append(contentsOf: inner)
            default: flat.append(member)
            }
        }
        guard let first = flat.first else { return .all }
        return flat.count == 1 ? first : .and(flat)
    }

    /// Any of the members holds. Flattens nested disjunctions; `members` must not be empty.
    package static func disjunction(_ members: [Filter]) -> Filter {
        precondition(!members.isEmpty, "a disjunction needs a member")
        var flat: [Filter] = []
        for member in members {
            if case .or(let inner) = member {
                flat.append(contentsOf: inner)
            } else {
                flat.append(member)
            }
        }
        return flat.count == 1 ? flat[0] : .or(flat)
    }

    /// The opposite; of a negation, what it negates.
    package static func negation(_ filter: Filter) -> Filter {
        if case .not(let inner) = filter { inner } else { .not(filter) }
    }
}
