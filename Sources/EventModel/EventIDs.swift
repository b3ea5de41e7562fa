/// The sortable ids that the events of one delivery get at acceptance: UUID version 7 (RFC 9562 §5.7).
///
/// The ids of a delivery count up from a random number (RFC 9562 §6.2, method 2 with a step of one): they sort as the
/// events stand, one draw of random bits serves them all, and neighbours compress to almost nothing. An id names an event
/// and is no secret.
package struct EventIDs {
    private let high: UInt64
    private var low: UInt64

    /// - Parameter random: Gives 12 bits that all ids share and the 61 from which they count.
    package init(at time: Timestamp, using random: inout some RandomNumberGenerator) {
        let milliseconds = UInt64(bitPattern: time.milliseconds) & 0xFFFF_FFFF_FFFF
        high = milliseconds << 16 | 0x7000 | random.next() & 0x0FFF
        // The counter's first bit starts as zero, so that no delivery can count it over.
        low = 0x8000_0000_0000_0000 | random.next() >> 3
    }

    /// Hands over the 36 characters of the next id.
    package mutating func next<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        defer { low += 1 }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { text in
            var written = 0
            for position in 0..<32 {
                if position == 8 || position == 12 || position == 16 || position == 20 {
                    text[written] = UInt8(ascii: "-")
                    written += 1
                }
                let word = position < 16 ? high : low
                let nibble = UInt8(truncatingIfNeeded: word >> UInt64((15 - position % 16) * 4) & 15)
                text[written] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") - 10 + nibble
                written += 1
            }
            return body(UnsafeRawBufferPointer(text))
        }
    }
}
