import AccessControl
import EventModel
import QueryLanguage

/// What an ``AuthorizedQuery`` allows, as the executor reads it. Only the executor's own tests make one in another way.
struct SearchRequest: Sendable {
    var query: Query
    /// Looks at all fields, whatever is visible.
    var restriction: Filter?
    var visibleGroups: Set<FieldGroup>
    var since: Timestamp?
    var until: Timestamp?
    var hidesOwnAudit: Bool

    init(_ authorized: AuthorizedQuery) {
        query = authorized.query
        restriction = authorized.restriction
        visibleGroups = authorized.visibleGroups
        since = authorized.since
        until = authorized.until
        hidesOwnAudit = authorized.hidesOwnAudit
    }

    init(
        query: Query, restriction: Filter? = nil, visibleGroups: Set<FieldGroup> = Set(FieldGroup.allCases),
        since: Timestamp? = nil, until: Timestamp? = nil, hidesOwnAudit: Bool = false
    ) {
        self.query = query
        self.restriction = restriction
        self.visibleGroups = visibleGroups
        self.since = since
        self.until = until
        self.hidesOwnAudit = hidesOwnAudit
    }

    /// What the reader may see, for judging an event's other reading; nil when that is everything.
    var access: CompiledFilter? { restriction.map { FilterCompiler(groups: .all).compile($0) } }

    /// Everything but the query and the default window, as one condition: it holds for an event that this reader may find.
    var scope: CompiledFilter {
        var members: [CompiledFilter] = []
        if since != nil || until != nil {
            members.append(.time(FilterCompiler.timeTest(.time, TimeInterval(from: since, to: until))))
        }
        let unrestricted = FilterCompiler(groups: .all)
        if hidesOwnAudit {
            let own = ValueMatch.exact(OwnAudit.source)
            members.append(
                .not(
                    .disjunction([
                        unrestricted.compile(.field(.field(.sourceName), own)),
                        unrestricted.compile(.field(.field(.sourceKind), own)),
                    ])))
        }
        if let restriction { members.append(unrestricted.compile(restriction)) }
        return .conjunction(members)
    }
}
