/// The sortable ids that the events of one delivery get at acceptance: UUID version 7 (RFC 9562 §5.7).
///
/// The ids of a delivery count up from a random number (RFC 9562 §6.2, method 2 with a step of one): they sort as the
/// events stand, one draw of random bits serves them all, and neighbours compress to almost nothing. An id names an event
/// and is no secret.
package struct EventIDs {
    private var id: EventID

    /// - Parameter random: Gives 12 bits that all ids share and the 61 from which they count.
    package init(at time: Timestamp, using random: inout some RandomNumberGenerator) {
        let milliseconds = UInt64(bitPattern: time.milliseconds) & 0xFFFF_FFFF_FFFF
        let high = milliseconds << 16 | 0x7000 | random.next() & 0x0FFF
        // The counter's first bit starts as zero, so that no delivery can count it over.
        id = EventID(high: high, low: 0x8000_0000_0000_0000 | random.next() >> 3)
    }

    /// Hands over the 36 characters of the next id.
    package mutating func next<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        defer { id = id.next }
        return withUnsafeTemporaryAllocation(byteCount: EventID.textBytes, alignment: 1) { text in
            if let start = text.baseAddress { id.writeText(to: start) }
            return body(UnsafeRawBufferPointer(text))
        }
    }
}
