/// A UUID as a number: what the canonical text of an event's id (RFC 9562 §4, lower case) says.
package struct EventID: Equatable, BitwiseCopyable, Sendable {
    package static let textBytes = 36
    package static let zero = EventID(high: 0, low: 0)

    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Nil for anything but 32 hexadecimal digits in lower case with hyphens behind 8, 12, 16 and 20 of them.
    package init?(_ text: UnsafeRawBufferPointer) {
        guard text.count == Self.textBytes, let start = text.baseAddress else { return nil }
        for place in [8, 13, 18, 23] where text[place] != UInt8(ascii: "-") { return nil }
        func four(_ offset: Int) -> UInt64 {
            UInt64(UInt32(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        }
        func eight(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        guard let first = HexDigits.number(eight(0)), let second = HexDigits.number(four(9) | four(14) << 32),
            let third = HexDigits.number(four(19) | four(24) << 32), let fourth = HexDigits.number(eight(28))
        else { return nil }
        high = UInt64(first) << 32 | UInt64(second)
        low = UInt64(third) << 32 | UInt64(fourth)
    }

    /// The id that counts one further, as those of a delivery do (``EventIDs``).
    package var next: EventID { EventID(high: high, low: low &+ 1) }

    /// Writes the ``textBytes`` characters of the canonical text.
    package func writeText(to text: UnsafeMutableRawPointer) {
        let (first, second) = (HexDigits.digits(UInt32(high >> 32)), HexDigits.digits(UInt32(truncatingIfNeeded: high)))
        let (third, fourth) = (HexDigits.digits(UInt32(low >> 32)), HexDigits.digits(UInt32(truncatingIfNeeded: low)))
        func store(_ digits: UInt64, at offset: Int) {
            text.storeBytes(of: digits.littleEndian, toByteOffset: offset, as: UInt64.self)
        }
        func store(_ digits: UInt32, at offset: Int) {
            text.storeBytes(of: digits.littleEndian, toByteOffset: offset, as: UInt32.self)
        }
        store(first, at: 0)
        store(UInt32(truncatingIfNeeded: second), at: 9)
        store(UInt32(second >> 32), at: 14)
        store(UInt32(truncatingIfNeeded: third), at: 19)
        store(UInt32(third >> 32), at: 24)
        store(fourth, at: 28)
        for offset in [8, 13, 18, 23] { text.storeBytes(of: UInt8(ascii: "-"), toByteOffset: offset, as: UInt8.self) }
    }
}
