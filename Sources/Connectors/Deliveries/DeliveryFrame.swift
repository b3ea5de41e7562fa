package import EventModel

/// One event of a delivery whose protocol says itself where its events are: a document of a bulk request, a log record, a
/// syslog message. Such an event is never split into lines; a batch inside it is still taken apart.
package struct DeliveryFrame: Sendable {
    /// Where the event lies in the delivery's body.
    package var range: Range<Int>
    /// `payload.part`, in the protocol's own words (`/resourceLogs/0/scopeLogs/0/logRecords/3`).
    package var part: String?
    /// What the protocol knows the event by; serves as delivery id where the payload has none.
    package var identifier: String?
    /// When the event happened, as the transport says; counts (as `time_basis: header`) where the payload has no time.
    package var time: Timestamp?
    /// The host that the transport names; `source.instance` where the payload names none.
    package var instance: String?
    /// Why the protocol's reader could make no event of it.
    package var refusal: String?
    /// What was changed so that it could become one.
    package var warning: String?

    package init(
        range: Range<Int>, part: String? = nil, identifier: String? = nil, time: Timestamp? = nil,
        instance: String? = nil, refusal: String? = nil, warning: String? = nil
    ) {
        self.range = range
        self.part = part
        self.identifier = identifier
        self.time = time
        self.instance = instance
        self.refusal = refusal
        self.warning = warning
    }

    /// The same event in other bytes: what is left after redaction.
    package func covering(_ count: Int) -> DeliveryFrame {
        var frame = self
        frame.range = 0..<count
        return frame
    }
}
