package import EventModel

/// A condition that holds for every row that somebody wants, and for others too: what indexes and columns can say of a
/// question that only the records decide. Whoever scans with it passes over the rest unread.
package indirect enum CandidateFilter: Sendable {
    /// Whether a value may be one of those that are wanted.
    package typealias Test = @Sendable (UnsafeRawBufferPointer) -> Bool

    case everything
    case all([CandidateFilter])
    case any([CandidateFilter])
    /// One of the values of a canonical field passes. A field without a column rules nothing out.
    case field(Field, Test)
    /// One of the values, as text, passes that lie in the payload below keys which, joined by dots, spell a name; an object
    /// there passes unasked. `null` is no value.
    case payload(PayloadName, Test)
    /// A filter of the search box holds.
    case query(EventPredicate)

    package struct PayloadName: Hashable, Sendable {
        let bytes: [UInt8]
        let ignoresCase: Bool

        /// - Parameter ignoresCase: Whether keys are compared in folded case.
        package init(_ bytes: [UInt8], ignoresCase: Bool) {
            self.bytes = bytes
            self.ignoresCase = ignoresCase
        }
    }
}

extension CandidateFilter {
    /// Joined by AND, without members that rule nothing out.
    package static func conjunction(_ members: [CandidateFilter]) -> CandidateFilter {
        let kept = members.filter { if case .everything = $0 { false } else { true } }
        guard let first = kept.first else { return .everything }
        return kept.count == 1 ? first : .all(kept)
    }

    /// Joined by OR; everything when a member rules nothing out.
    package static func disjunction(_ members: [CandidateFilter]) -> CandidateFilter {
        if members.contains(where: { if case .everything = $0 { true } else { false } }) { return .everything }
        return members.count == 1 ? members[0] : .any(members)
    }
}
