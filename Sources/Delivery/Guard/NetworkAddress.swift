import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An IPv4 or IPv6 address to connect to. An IPv4-mapped IPv6 address is the IPv4 address that it leads to.
package struct NetworkAddress: Hashable, Sendable {
    /// 128 bits in host order; IPv4 lies at `::ffff:0:0/96`.
    let value: UInt128

    private static let mapped: UInt128 = 0xffff_0000_0000

    var isV4: Bool { value >> 32 == 0xffff }

    /// Reads what `inet_pton` reads: dotted IPv4 or IPv6 without a zone.
    package init?(_ text: String) {
        var v4 = in_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            value = Self.mapped | UInt128(UInt32(bigEndian: v4.s_addr))
            return
        }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
        value = withUnsafeBytes(of: &v6) { $0.reduce(0) { $0 << 8 | UInt128($1) } }
    }

    package var text: String {
        if isV4 { return (0..<4).map { "\(UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)))" }.joined(separator: ".") }
        return (0..<8).map { String(UInt16(truncatingIfNeeded: value >> (112 - 16 * $0)), radix: 16) }.joined(
            separator: ":")
    }
}

/// A network in CIDR notation.
package struct NetworkRange: Hashable, Sendable {
    private let network: UInt128
    private let mask: UInt128

    /// Reads `10.0.0.0/8`, `fd00::/8` or a single address. Host bits are dropped.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = parts.first.flatMap({ NetworkAddress(String($0)) }) else { return nil }
        let isDotted = !parts[0].contains(":")
        let width = isDotted ? 32 : 128
        var length = width
        if parts.count == 2 {
            guard let given = Int(parts[1]), (0...width).contains(given) else { return nil }
            length = given
        }
        let bits = length + 128 - width
        mask = bits == 0 ? 0 : UInt128.max << UInt128(128 - bits)
        network = address.value & mask
    }

    package func contains(_ address: NetworkAddress) -> Bool { address.value & mask == network }
}
