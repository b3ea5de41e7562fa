/// What is wrong with a rule, a set of rules or a request about an alert.
package struct DetectionError: Error, Hashable, Sendable {
    package enum Code: String, Sendable {
        /// The text is not YAML, or breaks a limit of ``RuleLimits``.
        case malformedDocument = "malformed_rule_document"
        /// The document is YAML but not a rule of the Sigma specification.
        case invalidRule = "invalid_rule"
        /// The rule is valid, but needs something that this version does not evaluate.
        case unsupportedRule = "unsupported_rule"
        /// Two rules claim the same id.
        case duplicateRule = "duplicate_rule"
        /// A rule file or directory cannot be read.
        case unreadable = "rule_unreadable"
        /// The document is YAML but no known incident or channel as a pack has them.
        case invalidIncident = "invalid_incident"
        /// The stored state of an operator is not what it wrote.
        case malformedState = "malformed_detection_state"
        /// No alert has that id.
        case unknownAlert = "unknown_alert"
        /// No silence has that id.
        case unknownSilence = "unknown_silence"
        /// No rule has that id.
        case unknownRule = "unknown_rule"
        /// The alert's state does not allow the change.
        case invalidTransition = "invalid_alert_transition"
        /// A list cursor or an argument about alerts is not valid.
        case invalidRequest = "invalid_alert_request"
    }

    package let code: Code
    /// Lower case, without a final stop.
    package let reason: String
    /// The file that it is about, as it was named to the loader.
    package let file: String?
    /// The line in that file, from 1.
    package let line: Int?

    package init(_ code: Code, _ reason: String, file: String? = nil, line: Int? = nil) {
        self.code = code
        self.reason = reason
        self.file = file
        self.line = line
    }

    /// The same error with its place filled in where it has none.
    func located(file: String, line: Int) -> DetectionError {
        DetectionError(code, reason, file: self.file ?? file, line: self.line ?? line)
    }
}

extension DetectionError: CustomStringConvertible {
    package var description: String {
        let place = [file, line.map(String.init)].compactMap(\.self).joined(separator: ":")
        return place.isEmpty ? reason : "\(place): \(reason)"
    }
}
