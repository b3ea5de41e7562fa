package import EventModel
package import QueryLanguage

/// A query that somebody may run, with everything that the executor has to respect. Stores execute nothing else.
///
/// There is no way to make one but ``Authorizer``: the compiler keeps a route that forgets to ask from existing. What an
/// executor owes:
/// - an event counts only when `restriction` holds for it, in hits, counts, facets and completion alike. The restriction
///   looks at all fields, whatever `visibleGroups` says;
/// - words and phrases are searched in the fields of `visibleGroups` only, and in the payload only when
///   ``FieldGroup/raw`` is among them (fields that the query names were checked already);
/// - events and columns show fields of `visibleGroups` only;
/// - with `hidesOwnAudit`, events of the source `custody` do not exist.
package struct AuthorizedQuery: Sendable {
    package let query: Query
    /// nil when the principal may see all events.
    package let restriction: Filter?
    package let visibleGroups: Set<FieldGroup>
    package let since: Timestamp?
    package let until: Timestamp?
    /// Contract, "Queries": nobody's search finds itself, unless it names the source `custody`.
    package let hidesOwnAudit: Bool

    fileprivate init(
        query: Query, sight: Sight, since: Timestamp?, until: Timestamp?, hidesOwnAudit: Bool
    ) {
        self.query = query
        restriction = sight.restriction
        visibleGroups = sight.groups
        self.since = since
        self.until = until
        self.hidesOwnAudit = hidesOwnAudit
    }
}

/// Leave to read single events by their index: an event for which `restriction` does not hold is answered as if it did not
/// exist, and only fields of `visibleGroups` are shown.
package struct AuthorizedRead: Sendable {
    /// nil when the principal may see all events.
    package let restriction: Filter?
    package let visibleGroups: Set<FieldGroup>

    fileprivate init(_ sight: Sight) {
        restriction = sight.restriction
        visibleGroups = sight.groups
    }
}

/// Decides who may do what. Pure: the same principal, question and moment always give the same answer. What is not granted
/// is denied.
package enum Authorizer {
    /// Allows a query, with what the principal is not granted cut out of it.
    ///
    /// Only grants that show every field class the query names take part, so that nobody filters on what they cannot see.
    /// When several grants take part, the query spans their events and shows the classes that all of them show: what one
    /// grant hides on its events never appears because of another.
    ///
    /// - Throws: ``AccessError/Code-swift.enum/notPermitted`` without a grant that holds the permission, and
    ///   ``AccessError/Code-swift.enum/hiddenField`` when no such grant shows what the query names.
    package static func authorize(
        _ query: Query, since: Timestamp? = nil, until: Timestamp? = nil, for principal: Principal, now: Timestamp,
        permission: Permission = .search
    ) throws(AccessError) -> AuthorizedQuery {
        let reach = QueryReach(query)
        let sight = try Sight(principal, naming: reach.groups, permission: permission, now: now)
        return AuthorizedQuery(
            query: query, sight: sight, since: since, until: until, hidesOwnAudit: !reach.namesOwnAudit)
    }

    /// Allows reading single events, as far as the classes in `groups` go: `raw` for the payload.
    ///
    /// - Throws: as ``authorize(_:since:until:for:now:permission:)``.
    package static func authorizeRead(
        of groups: Set<FieldGroup> = [.envelope], for principal: Principal, now: Timestamp
    ) throws(AccessError) -> AuthorizedRead {
        AuthorizedRead(try Sight(principal, naming: groups, permission: .search, now: now))
    }

    /// Checks a permission that is not about particular events.
    ///
    /// A grant over some events only does not hold it: whoever may change one repository's rules must not thereby change
    /// the installation.
    /// - Throws: ``AccessError/Code-swift.enum/notPermitted``.
    package static func check(
        _ permission: Permission, for principal: Principal, now: Timestamp
    ) throws(AccessError) {
        guard principal.grants(holding: permission, at: now).contains(where: \.scope.isEverything) else {
            throw AccessError(.notPermitted, "this needs the permission \(permission.rawValue)")
        }
    }

    /// Checks that a principal may send events as a source. Admins may as any; a token of scope `ingest` as the sources it
    /// is bound to, or as any when it is bound to none. The name `custody` is nobody's.
    ///
    /// - Throws: ``AccessError/Code-swift.enum/notPermitted``.
    package static func checkIngest(
        as source: String, for principal: Principal, now: Timestamp
    ) throws(AccessError) {
        guard source != OwnAudit.source || principal.kind == .system else {
            throw AccessError(.notPermitted, "the source custody is written by custody alone")
        }
        if !principal.grants(holding: .ingest, at: now).isEmpty { return }
        guard principal.scopes.contains(.ingest) else {
            throw AccessError(.notPermitted, "this needs a token of scope ingest")
        }
        guard principal.ingestSources.isEmpty || principal.ingestSources.contains(source) else {
            throw AccessError(.notPermitted, "this token is bound to other sources")
        }
    }
}
