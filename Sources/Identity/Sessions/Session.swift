package import AccessControl
package import EventModel

/// A browser that somebody signed in with, as it is listed: everything but the secret, which nobody can read back.
package struct Session: Hashable, Sendable {
    /// Public: it stands in audit events and in the list of sessions.
    package let id: String
    /// Who signed in, as they are called beside everything that they do.
    package let name: String
    /// The token that was shown to sign in, which decides what the session may do and ends it when it is revoked; nil for
    /// the administrator whom the set-up link made.
    package let tokenID: String?
    /// Where and with what browser it began, for somebody to recognise it in the list.
    package let client: String?
    package let agent: String?
    package let created: Timestamp
    package let expires: Timestamp
    /// To the minute.
    package let lastUsed: Timestamp

    /// Whether nobody has used it for too long.
    package func isIdle(at now: Timestamp) -> Bool {
        now >= lastUsed.advanced(byNanoseconds: SessionLimits.idleSeconds * 1_000_000_000)
    }

    /// Who acts with the session that the set-up link made.
    package var administrator: Principal {
        Principal(id: id, kind: .person, name: name, scopes: [.admin])
    }
}

/// A session at the only moment when its text is known.
package struct NewSession: Sendable {
    package let session: Session
    /// What the browser keeps in its cookie. It is not stored.
    package let text: String
}

/// The bounds of sessions.
package enum SessionLimits {
    /// A session ends after a day, whatever happens: whoever works on an incident signs in once a shift.
    package static let lifetimeSeconds: Int64 = 86_400
    /// And when nobody has used it for two hours: longer than a meeting, shorter than a night at a desk that anybody can
    /// walk up to.
    package static let idleSeconds: Int64 = 7_200
    /// Sessions at a time: all are held in memory. The one that was idle longest makes room.
    package static let count = 10_000
    /// Bytes of a person's name, and of what is kept of a browser's description.
    package static let nameLength = 100
    package static let agentLength = 200
    /// Bytes of a presented cookie; longer ones are refused unread.
    package static let presentedLength = 200
    /// How long a set-up link is good: a person who installs the server opens it now or after lunch.
    package static let setUpSeconds: Int64 = 14_400
}
