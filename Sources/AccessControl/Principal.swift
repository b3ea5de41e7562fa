import EventModel

/// Who asks: a token, a person or Custody itself, with all that was granted. Made by authentication, consulted by
/// ``Authorizer``.
package struct Principal: Hashable, Sendable {
    package enum Kind: String, Sendable {
        case token, person, system
    }

    /// What a token was made for (contract: `custody token create`).
    package enum Scope: String, CaseIterable, Sendable {
        /// Send events, and nothing else.
        case ingest
        /// Search, export and work on alerts.
        case read
        /// Read everything, the ledger's entries and the set-up included; change nothing.
        case audit
        /// Everything.
        case admin

        /// The role that a bearer has over all events. None for `ingest`: who sends cannot look.
        var role: Role? {
            switch self {
            case .ingest: nil
            case .read: .investigator
            case .audit: .auditor
            case .admin: .admin
            }
        }
    }

    /// Stable and safe to log: a token's public id, a person's account id.
    package let id: String
    package let kind: Kind
    /// What people called it.
    package let name: String
    package let scopes: Set<Scope>
    /// What was granted beyond the scopes; for people this is all there is.
    package let grants: [Grant]
    /// The sources that a principal with the scope `ingest` may send as; empty for any.
    package let ingestSources: Set<String>

    package init(
        id: String, kind: Kind, name: String, scopes: Set<Scope> = [], grants: [Grant] = [],
        ingestSources: Set<String> = []
    ) {
        self.id = id
        self.kind = kind
        self.name = name
        self.scopes = scopes
        self.grants = grants + Scope.allCases.filter(scopes.contains).compactMap { $0.role.map { Grant($0) } }
        self.ingestSources = ingestSources
    }

    /// Custody itself: views, rules and the commands that work on the files without a server.
    package static let system = Principal(
        id: "custody", kind: .system, name: "custody", grants: [Grant(.admin)])

    /// The grants in force at a moment that hold a permission.
    func grants(holding permission: Permission, at now: Timestamp) -> [Grant] {
        grants.filter { $0.isActive(at: now) && $0.role.permissions.contains(permission) }
    }
}
