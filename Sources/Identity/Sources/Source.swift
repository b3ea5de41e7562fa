package import EventModel

/// One configured origin of events.
package struct Source: Hashable, Sendable {
    package let name: String
    /// How its deliveries are authenticated, split and mapped; `auto` recognises events by shape.
    package let connector: String
    /// The connectors that `auto` may choose from; empty for all.
    package let pinnedConnectors: [String]
    /// What deliveries are signed or authenticated with; nil when they come with tokens of Custody's own.
    package let secret: String?
    /// The secret before the last rotation, accepted until a moment so that both ends need not change at once.
    package let previousSecret: String?
    package let previousSecretUntil: Timestamp?
    /// The key of this source's fingerprints of redacted secrets. Never changes: equal secrets would stop looking equal.
    package let fingerprintKey: [UInt8]
    package let retentionClass: UInt16
    package let isEnabled: Bool
    package let created: Timestamp

    /// The secrets with which a delivery may be authenticated at a moment, the current one first.
    package func secrets(at now: Timestamp) -> [String] {
        guard let previousSecret, let previousSecretUntil, now < previousSecretUntil else {
            return [secret].compactMap(\.self)
        }
        return [secret, previousSecret].compactMap(\.self)
    }
}

// Sources end up in logs, test failures and debuggers; their secrets must not.
extension Source: CustomStringConvertible, CustomReflectable {
    package var description: String { "source \(name)" }
    package var customMirror: Mirror { Mirror(self, children: ["name": name, "connector": connector]) }
}

/// The bounds of sources.
package enum SourceLimits {
    /// Sources: all are held in memory.
    package static let count = 10_000
    /// Bytes of a credential. The longest are key sets: a dozen RSA keys.
    package static let secretLength = 8...16_384
    /// How long the old credential stays good after a rotation, unless said otherwise: a working day to change the other end.
    package static let rotationGraceSeconds: Int64 = 86_400
}
