/// Why bytes are not an attestation that can be read.
package struct ProvenanceError: Error, Equatable, Sendable {
    package enum Code: String, Sendable {
        case malformedEnvelope = "malformed_envelope"
        case malformedStatement = "malformed_statement"
        case unsupportedPayload = "unsupported_payload"
        case unsupportedStatement = "unsupported_statement"
        case malformedDigest = "malformed_digest"
    }

    package let code: Code
    /// Lower case, without a final stop.
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

extension ProvenanceError: CustomStringConvertible {
    package var description: String { reason }
}
