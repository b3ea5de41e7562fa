/// One kind of thing that an identity can do. Routes name the permission they need; roles hold sets of them.
package enum Permission: String, CaseIterable, Sendable {
    /// Send events. Bound to the sources that the principal may send as: see ``Principal/mayIngest(as:)``.
    case ingest
    /// Search, tail, completion and facets, single events.
    case search
    /// Take evidence packs out of the house.
    case export
    /// Read the ledger's entries, whose kinds would tell of holds (contract, "HTTP": `tile/entries/…`).
    case readEntries = "read_entries"
    /// See how the installation is set up: sources, rules, tokens, retention; never a secret.
    case readConfiguration = "read_configuration"
    /// Acknowledge, assign and close alerts.
    case triageAlerts = "triage_alerts"
    /// Change sources, rules and settings.
    case changeConfiguration = "change_configuration"
    /// Create and revoke tokens, change people's grants.
    case manageAccess = "manage_access"
}
