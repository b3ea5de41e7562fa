package import EventModel

/// One thing that happened to an alert after it was made: who did what, when.
package struct AlertActivity: Hashable, Sendable {
    package let time: Timestamp
    package let kind: AlertTransition.Kind
    /// Nil for the engine.
    package let actor: String?
    /// The comment, the assignee or the verdict.
    package let detail: String?
}

/// A version of a rule: its text, by hash, since it was first loaded.
package struct RuleVersion: Hashable, Sendable {
    package let rule: String
    /// From 1 on.
    package let version: Int64
    /// SHA-256 of the document's text, in hexadecimal.
    package let hash: String
    package let title: String
    package let firstLoaded: Timestamp
}
