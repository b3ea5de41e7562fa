package import AccessControl
package import EventModel

/// A token as it is listed: everything but the secret, which nobody can read back.
package struct Token: Hashable, Sendable {
    /// Public: it stands in the token's text, in audit events and in `custody token list`.
    package let id: String
    package let name: String
    package let scopes: Set<Principal.Scope>
    /// The sources that a token of scope `ingest` is bound to; empty for any.
    package let sources: Set<String>
    package let created: Timestamp
    /// nil for the first admin token only: it is the way back in when every other token has expired.
    package let expires: Timestamp?
    package let revoked: Timestamp?
    /// To the minute, and a minute late: see ``TokenStore/writeLastUses()``.
    package let lastUsed: Timestamp?

    /// Who a request that presents this token comes from.
    package var principal: Principal {
        Principal(id: id, kind: .token, name: name, scopes: scopes, ingestSources: sources)
    }
}

/// A token at the only moment when its text is known.
package struct NewToken: Sendable {
    package let token: Token
    /// What the bearer presents. Show it once; it is not stored.
    package let text: String
}

/// The bounds of tokens.
package enum TokenLimits {
    /// Tokens that nobody gave an expiry. Long enough for a quarter's rotation, short enough to notice when it is forgotten.
    package static let defaultLifetimeDays: Int64 = 90
    /// A longer life would mean that nobody ever learns how to renew it.
    package static let maximumLifetimeDays: Int64 = 366
    /// Bytes of a name.
    package static let nameLength = 100
    /// Characters of a token that an operator chooses: with fewer, guessing becomes thinkable.
    package static let customLength = 32
    /// Bytes of a presented credential; longer ones are refused unread.
    package static let presentedLength = 512
    /// Tokens, revoked ones included: all are held in memory.
    package static let count = 100_000
}
