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
        /// A search ran longer than its limit.
        case queryTimedOut = "query_timed_out"
        /// A search makes more groups, distinct or ranked values than its limit.
        case tooManyGroups = "too_many_groups"
        /// A stage needs more events or rows at once than its limit.
        case tooManyRows = "too_many_rows"
        /// A search would hold more memory than one may.
        case tooMuchMemory = "too_much_memory"
        /// The searches that run hold the memory that another needs.
        case searchesHoldMemory = "searches_hold_memory"
        /// More searches wait than may.
        case tooManySearches = "too_many_searches"
        /// A cursor that this store did not make, or that belongs to another query.
        case invalidCursor = "invalid_cursor"
        /// The number of rows asked for is out of range.
        case invalidLimit = "invalid_limit"
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
