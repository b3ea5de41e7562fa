/// How a search is to be answered; what it asks is in the ``AuthorizedQuery``.
package struct SearchOptions: Sendable {
    package enum Order: String, Sendable {
        case newestFirst = "desc"
        case oldestFirst = "asc"
    }

    /// Which of an event's readings is searched and shown, where it was read again.
    package enum Reading: String, Sendable {
        /// The overlay's, labelled in `norm.overlay`; all other events as they were sealed.
        case current
        /// As every event was sealed.
        case sealed
    }

    /// Events or rows of this answer; nil for the default (100 events, 10,000 rows of a table).
    package var limit: Int?
    /// Where an earlier answer ended.
    package var cursor: String?
    /// The order of events that no `sort` orders.
    package var order = Order.newestFirst
    /// Whether the answer says how it was found.
    package var explains = false
    package var reading = Reading.current
    /// Whether nobody waits for the answer: then the search takes one core at most, and may take longer.
    package var isInBackground = false

    package init(
        limit: Int? = nil, cursor: String? = nil, order: Order = .newestFirst, explains: Bool = false,
        reading: Reading = .current
    ) {
        self.reading = reading
        self.limit = limit
        self.cursor = cursor
        self.order = order
        self.explains = explains
    }
}
