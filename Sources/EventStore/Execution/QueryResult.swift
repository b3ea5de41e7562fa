package import EventModel
package import QueryLanguage

/// The answer to a search.
package struct QueryResult: Sendable {
    package enum Kind: String, Sendable {
        case events, table, series
    }

    package struct Statistics: Sendable, Equatable {
        /// Events that the filter holds for, before any stage. When `exact` is false the search stopped early, with at
        /// least so many.
        package var matched = 0
        package var exact = true
        package var scannedBytes = 0
        package var tookNanoseconds: UInt64 = 0
        /// Segments that were looked into, and all there are; time bounds rule out the others.
        package var segmentsRead = 0
        package var segments = 0
    }

    /// The window that was searched because the query names no time.
    package struct DefaultedWindow: Sendable, Equatable {
        package let since: Timestamp
        package let until: Timestamp
        /// Hits outside, when there are none inside; nil otherwise, or when the time for counting ran out.
        package var hitsOutside: Int?
        /// Whether there are more than `hitsOutside`.
        package var hasMoreOutside = false
    }

    package var kind: Kind
    /// The query as Custody understood it.
    package var canonical: String
    /// The columns of a table or series; empty for events.
    package var columns: [QueryColumn] = []
    package var rows: [[QueryValue]] = []
    package var events: [EventHit] = []
    /// Continues after the last row; nil when there is no more.
    package var cursor: String?
    package var statistics = Statistics()
    package var defaultedWindow: DefaultedWindow?
    /// The width of a series' buckets in nanoseconds. Only buckets that hold events are rows.
    package var span: Int64?
    /// What was done, step by step; nil unless asked for.
    package var explanation: String?

    init(kind: Kind, canonical: String) {
        self.kind = kind
        self.canonical = canonical
    }
}

/// One event, ready to be sent.
package struct EventHit: Sendable, Equatable {
    package let index: LeafIndex
    /// The JSON object of EVENT.md, with the visible fields only.
    package let json: [UInt8]

    package init(index: LeafIndex, json: [UInt8]) {
        self.index = index
        self.json = json
    }
}
