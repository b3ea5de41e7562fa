/// The source that Custody itself writes: who looked, who changed what, who was refused.
package enum OwnAudit {
    /// Its reserved name (contract, "Sources").
    package static let source = "custody"
}
