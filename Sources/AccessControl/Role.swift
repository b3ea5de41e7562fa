/// What a grant lets its holder do.
///
/// Roles are few and fixed: whoever reviews access has to know them by heart. What they apply to is said by the grant's
/// ``AccessScope`` and field classes.
package enum Role: String, CaseIterable, Sendable {
    /// Looks things up.
    case reader
    /// Works on alerts and takes evidence out.
    case investigator
    /// Reads everything, the set-up included, and changes nothing.
    case auditor
    /// Runs the installation.
    case admin

    package var permissions: Set<Permission> {
        switch self {
        case .reader: [.search]
        case .investigator: [.search, .export, .triageAlerts]
        case .auditor: [.search, .export, .readEntries, .readConfiguration]
        case .admin:
            [
                .ingest, .search, .export, .readEntries, .readConfiguration, .triageAlerts, .changeConfiguration,
                .manageAccess,
            ]
        }
    }
}
