package import EventModel
package import Journal

/// The events of one delivery, ready to be committed: normalised, redacted, sealed, compressed. Made by the request's own
/// task, so that everything that needs no leaf index happens in parallel.
package struct PreparedBatch: Sendable {
    /// One sealed event inside ``bytes``.
    package struct Item: Sendable {
        package let range: Range<Int>
        /// Nil when the sender gave nothing to recognise a repetition by.
        package let key: DeliveryKey?
        /// The keyed digest of the payload; 0 without a key.
        package let payloadDigest: UInt64
        /// Whether the payload is JSON that a parser has taken.
        package let isDocument: Bool
    }

    package let partition: JournalPartition
    package let received: Timestamp
    /// The sealed events, one after another.
    package let bytes: [UInt8]
    package let items: [Item]
    /// The same bytes, compressed for the journal; nil when every entry was refused.
    package let page: JournalPage?
    /// Entries that were refused, by their position in the delivery.
    package let rejected: [RejectedEntry]
    /// Of each item, its position in the delivery.
    package let positions: [Int]
    /// Where ``bytes`` goes when nobody needs it any more.
    let memory: BatchMemory?
}

/// An entry of a delivery that did not become an event.
package struct RejectedEntry: Sendable {
    /// Counted from 0 over the entries of the delivery.
    package let position: Int
    /// Safe to show to the sender.
    package let reason: String
    /// What was sent, after redaction, for the quarantine.
    package let bytes: [UInt8]

    package init(position: Int, reason: String, bytes: [UInt8]) {
        self.position = position
        self.reason = reason
        self.bytes = bytes
    }
}
