package import EventModel

/// What somebody was given: a role, over some events, for some classes of fields, until some time.
package struct Grant: Hashable, Sendable {
    package let role: Role
    package let scope: AccessScope
    /// The field classes that the holder may see, filter by, sort by and complete. ``FieldGroup/envelope`` is always
    /// among them: an event of which not even time and source are visible would be a riddle.
    package let groups: Set<FieldGroup>
    /// From this moment on the grant counts for nothing; nil for one that lasts as long as its holder's credential.
    package let expires: Timestamp?

    package init(
        _ role: Role, over scope: AccessScope = .everything, groups: Set<FieldGroup> = Set(FieldGroup.allCases),
        expires: Timestamp? = nil
    ) {
        self.role = role
        self.scope = scope
        self.groups = groups.union([.envelope])
        self.expires = expires
    }

    package func isActive(at now: Timestamp) -> Bool { expires.map { now < $0 } ?? true }

    /// Whether everything that the other grant shows, this one shows too.
    func covers(_ other: Grant) -> Bool {
        (scope.isEverything || scope == other.scope) && groups.isSuperset(of: other.groups)
    }
}
