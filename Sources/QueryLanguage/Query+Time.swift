import EventModel

/// What a query says about time.
package struct TimeBounds: Hashable, Sendable {
    /// No event whose time is outside can match: what the `time` terms that must hold imply.
    package let time: TimeInterval
    /// The same for the receive time.
    package let received: TimeInterval
    /// Whether `time` or `received` is named anywhere in what selects events. When it is not, and neither `since` nor
    /// `until` is given, the last 24 hours apply.
    package let isMentioned: Bool
}

extension Query {
    /// The filter with the `where` stages that follow it directly: together they select the events that go into the rest.
    package var eventFilter: Filter {
        .conjunction([filter] + leadingFilters)
    }

    /// The stages after those that ``eventFilter`` holds.
    package var remainingStages: ArraySlice<Stage> { stages.dropFirst(leadingFilters.count) }

    private var leadingFilters: [Filter] {
        var filters: [Filter] = []
        for case .filter(let filter) in stages.prefix(while: \.isFilter) { filters.append(filter) }
        return filters
    }

    /// What ``eventFilter`` says about time.
    package var timeBounds: TimeBounds {
        let filter = eventFilter
        return TimeBounds(
            time: filter.interval(of: .time), received: filter.interval(of: .received),
            isMentioned: filter.mentions { $0 == .field(.time) || $0 == .field(.received) })
    }

    /// Whether events of the source `custody` may be shown: only when the query names `source:custody` or `source:*` and
    /// does not negate it (contract, "Queries").
    package var mayShowOwnAudit: Bool { eventFilter.namesOwnAudit }
}

extension Stage {
    fileprivate var isFilter: Bool { if case .filter = self { true } else { false } }
}

extension Filter {
    /// An interval outside which a field's value makes the filter false; unbounded when nothing is implied.
    fileprivate func interval(of field: Field) -> TimeInterval {
        switch self {
        case .field(.field(field), let match): match.hull
        case .and(let members): members.reduce(.unbounded) { $0.intersection($1.interval(of: field)) }
        case .or(let members):
            members.dropFirst().reduce(members[0].interval(of: field)) {
                $0.hull($1.interval(of: field))
            }
        case .all, .not, .field, .text: .unbounded
        }
    }

    /// Whether a field for which the condition holds is named anywhere.
    package func mentions(_ condition: (FieldReference) -> Bool) -> Bool {
        switch self {
        case .all, .text: false
        case .not(let inner): inner.mentions(condition)
        case .and(let members), .or(let members): members.contains { $0.mentions(condition) }
        case .field(let reference, _): condition(reference)
        }
    }

    fileprivate var namesOwnAudit: Bool {
        switch self {
        case .all, .text, .not: false
        case .and(let members), .or(let members): members.contains(where: \.namesOwnAudit)
        case .field(let reference, let match):
            [.alias(.source), .field(.sourceName), .field(.sourceKind)].contains(reference) && match.namesOwnAudit
        }
    }
}

extension ValueMatch {
    fileprivate var hull: TimeInterval {
        if case .oneOf(let members) = self {
            return members.dropFirst().reduce(members[0].hull) { $0.hull($1.hull) }
        }
        return timeInterval ?? .unbounded
    }

    fileprivate var namesOwnAudit: Bool {
        switch self {
        case .present: true
        case .equals(let text), .exact(let text): CaseFolding.folded(text) == Array("custody".utf8)
        case .oneOf(let members): members.contains(where: \.namesOwnAudit)
        case .prefix, .glob, .regex, .compare, .range, .network: false
        }
    }
}
