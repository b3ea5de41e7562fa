/// Why a token or a source could not be made, changed or read.
package struct IdentityError: Error, Equatable, Sendable {
    package enum Code: String, Sendable {
        case invalidName = "invalid_name"
        case reservedName = "reserved_name"
        case alreadyExists = "already_exists"
        case notFound = "not_found"
        case invalidExpiry = "invalid_expiry"
        case invalidScopes = "invalid_scopes"
        case weakSecret = "weak_secret"
        case tooMany = "too_many"
        /// A workload binding that would let in nobody, or everybody.
        case invalidBinding = "invalid_binding"
        /// The key that protects stored secrets is missing, damaged or not the one they were stored with.
        case unreadableSecret = "unreadable_secret"
    }

    package let code: Code
    /// Lower case, without a final stop; safe to show: it never holds a secret.
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

extension IdentityError: CustomStringConvertible {
    package var description: String { reason }
}
