import EventModel

/// The values of fields whose values the canonical event lists.
enum ClosedVocabulary {
    /// All values, in the event model's order; empty for fields with open values.
    static func values(of reference: FieldReference) -> [String] {
        guard case .field(let field) = reference else { return [] }
        return switch field {
        case .outcome: ["success", "failure", "denied", "pending", "cancelled", "unknown"]
        case .activity:
            [
                "create", "read", "update", "delete", "execute", "login", "logout", "grant", "revoke", "approve",
                "deny",
                "other",
            ]
        case .category:
            [
                "scm", "ci", "artifact", "dependency", "deploy", "identity", "secret", "session", "config", "finding",
                "other",
            ]
        case .actorType: ["user", "service", "bot", "agent", "system", "anonymous", "unknown"]
        case .sourceVerified: ["hmac", "token", "mtls", "jwt", "signature", "none"]
        case .timeBasis: ["payload", "header", "received"]
        default: []
        }
    }
}
