package import Foundation

/// Keeps notifications from reaching what only the server's own network should reach (server-side request forgery).
///
/// A name is resolved once; every address that it has must be public or allowed; the connection goes to one of the
/// addresses that were looked at. So neither a record with a private address nor one that changes between the look and
/// the connection gets through.
package struct DestinationGuard: Sendable {
    /// Names and networks that the operator allows although they are private, and to which plain HTTP may be spoken.
    package struct Allowance: Sendable {
        package var hosts: Set<String>
        package var networks: [NetworkRange]

        package init(hosts: Set<String> = [], networks: [NetworkRange] = []) {
            self.hosts = Set(hosts.map { $0.lowercased() })
            self.networks = networks
        }
    }

    private let allowance: Allowance
    private let resolver: any HostResolver

    package init(allowance: Allowance = Allowance(), resolver: any HostResolver = SystemHostResolver()) {
        self.allowance = allowance
        self.resolver = resolver
    }

    /// The address to connect to for a URL.
    /// - Throws: ``DeliveryError`` when there is none, or one is forbidden.
    package func vet(_ url: URL) async throws -> NetworkAddress {
        guard let host = url.host(), let scheme = url.scheme?.lowercased() else {
            throw DeliveryError(.invalidDestination, "the URL has no host")
        }
        return try await vet(host: host, plainProtocol: scheme == "https" ? nil : "http")
    }

    /// The address to connect to for a host.
    /// - Parameter plainProtocol: What is spoken, when that is without TLS: then only to who is on the allow list.
    /// - Throws: ``DeliveryError`` when there is none, or one is forbidden.
    package func vet(host: String, plainProtocol: String?) async throws -> NetworkAddress {
        let host = host.lowercased()
        // Brackets mark an IPv6 address in a URL and are no part of it.
        let name = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        let addresses = try await resolver.addresses(of: name)
        guard let first = addresses.first else { throw DeliveryError(.unresolvable, "the host \(name) has no address") }
        let isAllowedHost = allowance.hosts.contains(name)
        for address in addresses where !isAllowedHost {
            if allowance.networks.contains(where: { $0.contains(address) }) { continue }
            if let plainProtocol {
                throw DeliveryError(
                    .forbiddenAddress, "plain \(plainProtocol) to \(name), which is not on the allow list")
            }
            guard !Self.isReserved(address) else {
                throw DeliveryError(
                    .forbiddenAddress,
                    "\(name) leads to \(address.text), a private or reserved address that is not on the allow list")
            }
        }
        return first
    }

    /// Whether an address is not one of the public Internet (IANA special-purpose registries; RFC 6890 and successors).
    static func isReserved(_ address: NetworkAddress) -> Bool { reserved.contains { $0.contains(address) } }

    private static let reserved: [NetworkRange] = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        // Unspecified, loopback and the deprecated IPv4-compatible block; translation prefixes lead to IPv4 unseen.
        "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
        "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    ].compactMap(NetworkRange.init)
}
