package import EventModel

/// How bad a match is, in Sigma's words.
package enum Severity: String, CaseIterable, Comparable, Sendable {
    case informational, low, medium, high, critical

    /// Ascending from 0; what the alert table stores.
    package var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
}

/// One detection rule as it was loaded: Sigma's fields, what Custody adds under `custody`, and the condition.
package struct SigmaRule: Sendable {
    package enum Status: String, Sendable { case stable, test, experimental, deprecated, unsupported }

    package let id: String?
    package let name: String?
    package let title: String
    package let status: Status?
    package let severity: Severity
    package let description: String?
    package let author: String?
    package let license: String?
    package let references: [String]
    package let tags: [String]
    package let falsePositives: [String]
    package let logSource: LogSource
    /// Which events it looks at.
    package internal(set) var route: SourceRoute
    package let extensions: CustodyExtensions
    /// With the filters of its rule set applied.
    package var expression: RuleExpression
    /// The memory that the rule needs; nil for a rule that judges each event by itself.
    package var definition: (any OperatorDefinition)? = nil
    /// Whether canonical fields are out of its sight: for rules that somebody wrote for their own logs, tried on a file.
    package internal(set) var seesPayloadOnly = false
    /// SHA-256 of the document's text, in hexadecimal: every alert names it.
    package let hash: String
    package let file: String
    package let line: Int

    /// What alerts, silences and listings call the rule: its id, else its name, else its title.
    package var key: String { id ?? name ?? title }
}

/// What a Custody rule says beyond Sigma, under the key `custody`.
package struct CustodyExtensions: Sendable {
    /// Events and what the rule says of them: one for most rules, several for rules with a memory.
    package struct Test: Sendable {
        /// An event, or several like it.
        package struct Event: Sendable {
            /// The payload as JSON.
            package let payload: [UInt8]
            /// Canonical fields beside the payload.
            package let fields: [(field: Field, values: [String])]
            /// Nanoseconds since the event before.
            package let after: Int64
            /// How many there are. `{n}` in their texts stands for the number of each, from 0.
            package let count: Int
            /// Nanoseconds between them.
            package let every: Int64
        }

        package let name: String
        package let events: [Event]
        /// Nanoseconds that pass behind the last event.
        package let wait: Int64
        package let isMatch: Bool
        package let line: Int
    }

    /// What the person who gets the alert does first.
    package var runbook: String?
    /// The person or team that answers for the rule; notifications can be routed by it.
    package var owner: String?
    /// Whether matches are recorded as signals and notify nobody, whatever the rule's level.
    package var isSignal = false
    /// The fields whose values tell one alert of the rule from another; the actor when empty.
    package var group: [FieldName] = []
    /// Kinds of sources, instead of what the log source says.
    package var sources: [String]?
    /// What is unusual among the events that the rule's selections match, for a rule that is a baseline.
    package var baseline: (any OperatorDefinition)?
    package var tests: [Test] = []

    package init() {}
}
