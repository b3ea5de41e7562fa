/// Why a connector file was refused, a delivery was not authentic, or a body could not be read.
package struct ConnectorError: Error, Equatable, Sendable {
    package enum Code: String, Sendable {
        /// A connector file does not follow the language; `file` and `line` say where.
        case invalidConnector = "invalid_connector"
        case unknownConnector = "unknown_connector"
        /// The source has no secret or token, but its connector needs one.
        case missingCredential = "missing_credential"
        /// The delivery carries no signature or token (401).
        case unsigned = "unsigned"
        /// The delivery's signature or token is wrong (401).
        case badSignature = "bad_signature"
        /// The signed time is too far from now (401): a replay, or a wrong clock.
        case staleSignature = "stale_signature"
        case unreadableFile = "unreadable_file"
    }

    package let code: Code
    /// Lower case, without a final stop; holds no secret and no value of the payload.
    package let reason: String
    package let file: String?
    package let line: Int?

    package init(_ code: Code, _ reason: String, file: String? = nil, line: Int? = nil) {
        self.code = code
        self.reason = reason
        self.file = file
        self.line = line
    }
}

extension ConnectorError: CustomStringConvertible {
    /// `FILE:LINE: reason`, or the reason alone.
    package var description: String {
        guard let file else { return reason }
        guard let line else { return "\(file): \(reason)" }
        return "\(file):\(line): \(reason)"
    }
}
