/// Hexadecimal digits, and in lower case eight at a time: the first stands in the lowest byte of a number of 64 bits.
package enum HexDigits {
    @inlinable
    @inline(__always)
    package static var ones: UInt64 { 0x0101_0101_0101_0101 }

    /// The number that eight digits make; nil when one is none.
    @inlinable
    @inline(__always)
    package static func number(_ digits: UInt64) -> UInt32? {
        let value = (digits & (ones * 0x0F)) &+ (digits >> 6 & ones) &* 9
        // Letters beyond `f` would come back as well: their values are too large.
        guard value & (ones * 0xF0) == 0, text(of: value) == digits else { return nil }
        return number(ofDigits: digits)
    }

    /// The number that eight hexadecimal digits of either case make. What else there is makes some number.
    @inlinable
    @inline(__always)
    package static func number(ofDigits digits: UInt64) -> UInt32 {
        var value = ((digits & (ones * 0x0F)) &+ (digits >> 6 & ones) &* 9).byteSwapped
        value = (value | value >> 4) & 0x00FF_00FF_00FF_00FF
        value = (value | value >> 8) & 0x0000_FFFF_0000_FFFF
        return UInt32(truncatingIfNeeded: value | value >> 16)
    }

    /// The eight digits of a number.
    @inlinable
    @inline(__always)
    package static func digits(_ number: UInt32) -> UInt64 {
        var value = UInt64(number)
        value = (value | value << 16) & 0x0000_FFFF_0000_FFFF
        value = (value | value << 8) & 0x00FF_00FF_00FF_00FF
        value = (value | value << 4) & (ones * 0x0F)
        return text(of: value.byteSwapped)
    }

    @inlinable
    @inline(__always)
    package static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 || byte &- 0x61 < 6 }

    /// The number that a hexadecimal digit of either case stands for: letters have the low four bits 1 to 6.
    @inlinable
    @inline(__always)
    package static func number(digit: UInt8) -> UInt8 { (digit & 0xF) + (digit >= 0x40 ? 9 : 0) }

    /// The digits of eight numbers below 16, each in a byte. Letters follow the decimal digits by 39 places.
    @inlinable
    @inline(__always)
    package static func text(of values: UInt64) -> UInt64 {
        let letters = (values &+ ones &* 6) >> 4 & ones
        return values &+ ones &* UInt64(UInt8(ascii: "0")) &+ letters &* 39
    }
}
