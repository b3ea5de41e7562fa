import EventModel
import QueryLanguage

/// What a principal's grants, taken together, show for one question: which events, and which field classes of them.
struct Sight {
    let restriction: Filter?
    let groups: Set<FieldGroup>

    init(
        _ principal: Principal, naming named: Set<FieldGroup>, permission: Permission, now: Timestamp
    ) throws(AccessError) {
        let held = principal.grants(holding: permission, at: now)
        guard !held.isEmpty else {
            throw AccessError(.notPermitted, "this needs the permission \(permission.rawValue)")
        }
        let fitting = held.filter { $0.groups.isSuperset(of: named) }
        guard !fitting.isEmpty else {
            let shown = held.reduce(into: Set<FieldGroup>()) { $0.formUnion($1.groups) }
            let hidden = FieldGroup.allCases.filter { named.contains($0) && !shown.contains($0) }.map(\.name)
            let classes =
                hidden.isEmpty ? "together, the field classes" : "the field class \(hidden.joined(separator: ", "))"
            throw AccessError(.hiddenField, "no grant shows \(classes) that the query names")
        }
        let grants = Self.withoutCovered(fitting)
        groups = grants.reduce(Set(FieldGroup.allCases)) { $0.intersection($1.groups) }
        restriction =
            grants.contains(where: \.scope.isEverything)
            ? nil : .disjunction(grants.map(\.scope.filter))
    }

    /// Drops each grant that another one covers, so that a second, smaller grant never takes anything away from its holder.
    private static func withoutCovered(_ grants: [Grant]) -> [Grant] {
        var kept: [Grant] = []
        for grant in grants where !kept.contains(where: { $0.covers(grant) }) {
            kept.removeAll { grant.covers($0) }
            kept.append(grant)
        }
        return kept
    }
}
