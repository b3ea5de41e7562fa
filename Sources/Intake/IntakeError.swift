/// Why a delivery, or one event of it, was not taken.
package struct IntakeError: Error, Equatable, Sendable {
    package enum Code: String, Sendable {
        /// Too much is waiting to be committed or indexed: try again after a moment (429).
        case overloaded
        /// The disk has no room but the reserve that is kept for audit events and logins (503).
        case diskFull = "disk_full"
        /// The journal could not be written (503).
        case diskFailed = "disk_failed"
        /// The server is stopping (503).
        case stopping
        /// More bytes than a delivery may have (413).
        case tooLarge = "too_large"
        /// More events than a delivery may have (413).
        case tooManyEvents = "too_many_events"
        /// The delivery as a whole could not be read (400).
        case malformed
    }

    package let code: Code
    /// Lower case; safe to show to the sender.
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

extension IntakeError: CustomStringConvertible {
    package var description: String { reason }
}
