/// A failure of the event store. Equal when code and reason are equal.
package struct EventStoreError: Error, Equatable, Sendable {
    package enum Code: String, Sendable {
        /// Stored bytes are not what was written. The reason names file, section and offset.
        case damaged
        /// A segment that the manifest names is not there.
        case missing
        /// The manifest is missing or damaged while segments exist: opening would lose sight of events.
        case manifestUnusable = "manifest_unusable"
        /// A format of a newer version of Custody.
        case unknownVersion = "unknown_version"
        /// Records that the store cannot take: out of order, or not sealed forms.
        case refused
        /// Memory or compression failed.
        case exhausted
    }

    package let code: Code
    /// Lower case, without a final stop.
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

extension EventStoreError: CustomStringConvertible {
    package var description: String { reason }
}
