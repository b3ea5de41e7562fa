package import AccessControl
package import EventModel
package import QueryLanguage

/// A store of events that can be searched: the embedded one, and later ones that answer the same from elsewhere.
///
/// It executes only what ``AccessControl/Authorizer`` allowed. Everything it tells, counts and completions included, is of
/// events that the reader may find and of fields that the reader may see.
package protocol EventSearching: Sendable {
    /// Answers a query.
    ///
    /// - Throws: ``EventStoreError`` (`invalidCursor`, `invalidLimit`, `tooManyGroups`, `tooManyRows`, `tooMuchMemory`,
    ///   `searchesHoldMemory`, `tooManySearches`, `queryTimedOut`, `damaged`), `CancellationError`.
    func search(_ query: AuthorizedQuery, _ options: SearchOptions) async throws -> QueryResult

    /// What searches hold of the process at this moment.
    var load: SearchLoad { get }

    /// One event as it was sealed, and as it reads now where it was read again; nil when there is none or the reader may not find it.
    func event(at index: LeafIndex, _ read: AuthorizedRead) async throws -> StoredEvent?

    /// The fields, and paths of the payload, that the newest events found by a query have. Stages and the default window
    /// do not apply.
    func fields(_ query: AuthorizedQuery, _ reading: SearchOptions.Reading) async throws -> FieldSummary

    /// The most frequent values of a field that begin with a text, whatever its case, among the events found by a query.
    /// Stages and the default window do not apply.
    ///
    /// The query must name the field, as `field:*` or so, or else its class may not be among those that are visible, and
    /// the answer is empty.
    func values(
        of field: FieldReference, prefix: String, limit: Int, _ query: AuthorizedQuery,
        _ reading: SearchOptions.Reading
    ) async throws -> ValueSummary
}

/// One event as a reader may see it.
package struct StoredEvent: Sendable, Equatable {
    package let index: LeafIndex
    /// The JSON object of EVENT.md.
    package let json: [UInt8]
    /// The payload byte for byte as sealed; nil when the reader may not see it or it was destroyed.
    package let payload: [UInt8]?
    /// The same of what it reads like now; nil when nobody read it again.
    package let overlay: [UInt8]?

    package init(index: LeafIndex, json: [UInt8], payload: [UInt8]?, overlay: [UInt8]? = nil) {
        self.index = index
        self.json = json
        self.payload = payload
        self.overlay = overlay
    }
}

package struct FieldSummary: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        /// As it is typed in a query: `actor.name`, `raw.user.id`.
        package let name: String
        package let type: ValueType
        /// How many of the sampled events have it.
        package let events: Int
    }

    /// Canonical fields in their order, then paths of the payload, most frequent first.
    package let entries: [Entry]
    /// How many of the newest events were looked at.
    package let sampledEvents: Int
}

package struct ValueSummary: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package let value: String
        package let events: Int
    }

    /// Most frequent first, then bytewise.
    package let entries: [Entry]
    /// Whether these are certainly the most frequent. False where only the newest events were looked at, and where there
    /// are so many values that only the frequent ones of each segment were added up; these are counted over all events.
    package let isExact: Bool
}
