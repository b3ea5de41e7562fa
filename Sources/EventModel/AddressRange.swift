/// The addresses from `lower` to `upper`, both included: a network, a single address, or any other stretch.
package struct AddressRange: Hashable, Sendable {
    package let lower: IPAddress
    package let upper: IPAddress

    /// `lower` must not be above `upper`.
    package init(_ lower: IPAddress, _ upper: IPAddress) {
        precondition(lower <= upper, "a range of addresses is in order")
        self.lower = lower
        self.upper = upper
    }

    /// Reads `10.0.0.0/8` or `2001:db8::/32`. Host bits are allowed and dropped. Nil for anything else.
    package init?(cidr text: String) {
        guard let slash = text.lastIndex(of: "/"), let address = IPAddress(parsing: String(text[..<slash])) else {
            return nil
        }
        let digits = text[text.index(after: slash)...]
        guard (1...3).contains(digits.utf8.count), digits.utf8.allSatisfy({ $0 &- 0x30 < 10 }),
            let typed = Int(digits)
        else { return nil }
        let isDotted = !text[..<slash].utf8.contains(UInt8(ascii: ":"))
        guard typed <= (isDotted ? 32 : 128) else { return nil }
        self.init(network: address, prefixLength: isDotted ? typed + 96 : typed)
    }

    /// The network of an address; the length counts all 128 bits, so an IPv4 `/8` is 104.
    package init(network address: IPAddress, prefixLength: Int) {
        precondition((0...128).contains(prefixLength), "a prefix has 0 to 128 bits")
        let hostBits: UInt128 = prefixLength == 0 ? .max : prefixLength == 128 ? 0 : .max >> UInt128(prefixLength)
        lower = IPAddress(value: address.value & ~hostBits)
        upper = IPAddress(value: address.value | hostBits)
    }

    package func contains(_ address: IPAddress) -> Bool { lower <= address && address <= upper }

    /// CIDR notation when it is a network, else `lower..upper`.
    package var text: String {
        let hostBits = lower.value ^ upper.value
        let isNetwork = hostBits & (hostBits &+ 1) == 0 && lower.value & hostBits == 0
        guard isNetwork else { return "\(lower.text)..\(upper.text)" }
        let length = hostBits.leadingZeroBitCount
        return lower.isV4 && length >= 96 ? "\(lower.text)/\(length - 96)" : "\(lower.text)/\(length)"
    }
}
