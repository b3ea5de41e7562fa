/// Why somebody may not do something. Everything that is not granted is denied with one of these.
package struct AccessError: Error, Equatable, Sendable {
    package enum Code: String, Sendable {
        /// No credential, or one that nobody here issued.
        case unknownCredential = "unknown_credential"
        /// The credential was good until its expiry.
        case expiredCredential = "expired_credential"
        /// The credential was withdrawn.
        case revokedCredential = "revoked_credential"
        /// The credential was good for one use, and was used.
        case usedCredential = "used_credential"
        /// Too many wrong credentials from one client lately.
        case tooManyFailures = "too_many_failures"
        /// The identity is known, but nothing that it was granted allows this.
        case notPermitted = "not_permitted"
        /// The query uses a field of a class that the identity may not see, be it only to filter or to sort by.
        case hiddenField = "hidden_field"

        /// Whether the caller should present another credential (HTTP 401) rather than be told no (HTTP 403).
        package var isAboutCredential: Bool {
            switch self {
            case .unknownCredential, .expiredCredential, .revokedCredential, .usedCredential: true
            case .tooManyFailures, .notPermitted, .hiddenField: false
            }
        }
    }

    package let code: Code
    /// Lower case, without a final stop; safe to show to the caller: it never holds a credential nor a value of an event.
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

extension AccessError: CustomStringConvertible {
    package var description: String { reason }
}
