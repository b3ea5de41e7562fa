package import EventModel

/// What stands after the colon of a term. ``ValuePredicate`` is its exact meaning for one value.
package indirect enum ValueMatch: Hashable, Sendable {
    /// `f:*`: there is a value.
    case present
    /// `f:v`: the whole value, ignoring case.
    case equals(String)
    /// `commit:9f2c`: the value begins with this, ignoring case. What `f:v` means for fields of hashes and digests, see
    /// ``FieldReference/matchesPrefixes``; the parser makes it for no other field.
    case prefix(String)
    /// `f:=v`: the whole value, heeding case; no wildcards.
    case exact(String)
    /// `f:repo.*`: the whole value against a pattern, ignoring case.
    case glob(GlobPattern)
    /// `f:/regex/`: RE2 syntax, unanchored, heeding case unless it says `(?i)`.
    case regex(LinearRegex)
    /// `f:>5`, `time:>=2026-11-01`, `ip:10.0.0.1`: by what the values mean. Equality of times, numbers and addresses is a
    /// comparison too; equality of text never is.
    case compare(Comparison, Literal)
    /// `f:A..B` on time, number and address fields; both literals are of the same kind and in order. Times include A and
    /// not B (half-open); numbers and addresses include both.
    case range(Literal, Literal)
    /// `ip:10.0.0.0/8`.
    case network(AddressRange)
    /// `f:(a OR b)`: any of the members, none of which is a list.
    case oneOf([ValueMatch])
}

package enum Comparison: String, CaseIterable, Hashable, Sendable {
    case equal = "="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
}

/// A value whose meaning is known.
package enum Literal: Hashable, Sendable {
    case time(TimeLiteral)
    case number(QueryNumber)
    case address(IPAddress)
}
