/// What is wrong with bytes that were meant to be an event, a payload or a sealed form.
package struct EventModelError: Error, Equatable, Sendable {
    package enum Code: String, Sendable {
        case malformedJSON = "malformed_json"
        case notUTF8 = "not_utf8"
        case tooLarge = "too_large"
        case tooDeep = "too_deep"
        case tooManyKeys = "too_many_keys"
        case duplicateKey = "duplicate_key"
        case numberOutOfRange = "number_out_of_range"
        case malformedSealedForm = "malformed_sealed_form"
        case unknownField = "unknown_field"
    }

    package let code: Code
    /// Lower case, without a final stop; safe to show to the sender: it never holds a value of the payload.
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

extension EventModelError: CustomStringConvertible {
    package var description: String { reason }
}
