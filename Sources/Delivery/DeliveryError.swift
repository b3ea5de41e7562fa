/// Why a notification could not be sent, or a destination not be accepted.
package struct DeliveryError: Error, Hashable, Sendable {
    package enum Code: String, Sendable {
        /// The destination's URL or secret is not usable.
        case invalidDestination = "invalid_destination"
        /// The destination lies where the server must not reach.
        case forbiddenAddress = "forbidden_address"
        /// The host's name does not resolve.
        case unresolvable = "unresolvable"
        /// The connection failed or took too long.
        case unreachable = "unreachable"
        /// The answer broke a limit.
        case badAnswer = "bad_answer"
        /// The receiver says that it will never take the message.
        case rejected = "rejected"
        /// No destination has that name.
        case unknownDestination = "unknown_destination"
        /// Another destination has that name.
        case duplicateDestination = "duplicate_destination"
        /// No notification has that id.
        case unknownNotification = "unknown_notification"
    }

    package let code: Code
    /// Lower case, without a final stop.
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

extension DeliveryError: CustomStringConvertible {
    package var description: String { reason }
}
