/// The sortable id that an event gets at acceptance: UUID version 7 (RFC 9562 §5.7).
package enum EventID {
    /// The 36 characters of a UUIDv7 for a moment and 74 random bits.
    package static func text(at time: Timestamp, using random: inout some RandomNumberGenerator) -> String {
        let milliseconds = UInt64(bitPattern: time.milliseconds) & 0xFFFF_FFFF_FFFF
        let high = milliseconds << 16 | 0x7000 | random.next() & 0x0FFF
        let low: UInt64 = 0x8000_0000_0000_0000 | random.next() >> 2
        let digits: StaticString = "0123456789abcdef"
        return String(unsafeUninitializedCapacity: 36) { buffer in
            var written = 0
            for position in 0..<32 {
                if position == 8 || position == 12 || position == 16 || position == 20 {
                    buffer[written] = UInt8(ascii: "-")
                    written += 1
                }
                let word = position < 16 ? high : low
                let nibble = Int(word >> UInt64((15 - position % 16) * 4) & 15)
                buffer[written] = digits.utf8Start[nibble]
                written += 1
            }
            return written
        }
    }
}
