/// An IPv4 or IPv6 address as 128 bits. IPv4 lies at `::ffff:0:0/96`, so that an address and its IPv6-mapped form are one
/// value and one order and one index serve both; hence `::/0` holds every address.
package struct IPAddress: Hashable, Comparable, Sendable {
    /// The address in host order; the 16-byte key is its big-endian bytes.
    package let value: UInt128

    private static let mapped: UInt128 = 0xffff_0000_0000

    package init(value: UInt128) { self.value = value }
    package init(v4: UInt32) { self.init(value: Self.mapped | UInt128(v4)) }

    package var isV4: Bool { value >> 32 == 0xffff }

    package static func < (left: IPAddress, right: IPAddress) -> Bool { left.value < right.value }

    /// Reads dotted IPv4 (no leading zeros: readers disagree on what they mean) or RFC 4291 IPv6, without port, zone or
    /// brackets. Nil for anything else.
    package init?(parsing text: UnsafeRawBufferPointer) {
        guard text.count >= 2, text.count <= 45 else { return nil }
        if let v4 = Self.parseV4(text[...]) {
            self.init(v4: v4)
            return
        }
        guard let value = Self.parseV6(text) else { return nil }
        self.init(value: value)
    }

    package init?(parsing text: String) {
        var text = text
        let parsed = text.withUTF8 { IPAddress(parsing: UnsafeRawBufferPointer($0)) }
        guard let parsed else { return nil }
        self = parsed
    }

    private static func parseV4(_ text: Slice<UnsafeRawBufferPointer>) -> UInt32? {
        var result: UInt32 = 0
        var octet: UInt32 = 0
        var digits = 0
        var octets = 0
        for byte in text {
            let digit = UInt32(byte &- UInt8(ascii: "0"))
            if digit < 10 {
                guard digits == 0 || octet > 0 else { return nil }
                octet = octet * 10 + digit
                digits += 1
                guard digits <= 3, octet <= 255 else { return nil }
            } else {
                guard byte == UInt8(ascii: "."), digits > 0, octets < 3 else { return nil }
                result = result << 8 | octet
                octets += 1
                octet = 0
                digits = 0
            }
        }
        guard octets == 3, digits > 0 else { return nil }
        return result << 8 | octet
    }

    private static func parseV6(_ text: UnsafeRawBufferPointer) -> UInt128? {
        let colon = UInt8(ascii: ":")
        var groups: [UInt16] = []
        var gap: Int?
        var position = 0
        if text[0] == colon {
            guard text[1] == colon else { return nil }
            gap = 0
            position = 2
        }
        while position < text.count {
            let end = text[position...].firstIndex(of: colon) ?? text.count
            if end == text.count, let v4 = parseV4(text[position..<end]) {
                groups.append(UInt16(v4 >> 16))
                groups.append(UInt16(truncatingIfNeeded: v4))
            } else {
                guard let group = hexadecimal(text[position..<end]) else { return nil }
                groups.append(group)
            }
            guard groups.count <= 8 else { return nil }
            if end == text.count { break }
            position = end + 1
            // A single colon may not end the text.
            guard position < text.count else { return nil }
            if text[position] == colon {
                guard gap == nil else { return nil }
                gap = groups.count
                position += 1
            }
        }
        guard gap == nil ? groups.count == 8 : groups.count < 8 else { return nil }
        var value: UInt128 = 0
        let missing = 8 - groups.count
        for (index, group) in groups.enumerated() {
            if index == gap { value <<= UInt128(16 * missing) }
            value = value << 16 | UInt128(group)
        }
        if gap == groups.count { value <<= UInt128(16 * missing) }
        return value
    }

    private static func hexadecimal(_ text: Slice<UnsafeRawBufferPointer>) -> UInt16? {
        guard !text.isEmpty, text.count <= 4 else { return nil }
        var value: UInt16 = 0
        for byte in text {
            guard let digit = hexadecimalValue(byte) else { return nil }
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    private static func hexadecimalValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension IPAddress {
    /// Dotted IPv4, or IPv6 as RFC 5952 writes it.
    package var text: String {
        if isV4 { return (0..<4).map { "\(UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)))" }.joined(separator: ".") }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> (112 - 16 * $0)) }
        let gap = Self.longestZeroRun(groups)
        func hexadecimal(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard let gap else { return hexadecimal(0..<8) }
        return hexadecimal(0..<gap.lowerBound) + "::" + hexadecimal(gap.upperBound..<8)
    }

    /// The first longest run of at least two zero groups (RFC 5952 §4.2).
    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int>? {
        var best = 0..<1
        var start = 0
        for index in 0...groups.count {
            if index < groups.count, groups[index] == 0 { continue }
            if index - start > best.count { best = start..<index }
            start = index + 1
        }
        return best.count >= 2 ? best : nil
    }
}
