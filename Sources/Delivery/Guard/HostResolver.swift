import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Turns a host's name into addresses.
package protocol HostResolver: Sendable {
    /// - Throws: ``DeliveryError`` `unresolvable`.
    func addresses(of host: String) async throws -> [NetworkAddress]
}

/// The system's name resolution. Each look-up blocks a thread of its own, not one of the concurrency pool.
package struct SystemHostResolver: HostResolver {
    package init() {}

    package func addresses(of host: String) async throws -> [NetworkAddress] {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try Self.lookUp(host) }) }
        }
    }

    private static func lookUp(_ host: String) throws -> [NetworkAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else {
            throw DeliveryError(.unresolvable, "the host \(host) does not resolve")
        }
        defer { freeaddrinfo(list) }
        var addresses: [NetworkAddress] = []
        var entry = list
        while let info = entry {
            var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let code = getnameinfo(
                info.pointee.ai_addr, info.pointee.ai_addrlen, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST)
            let text = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            // A zone (`fe80::1%eth0`) marks a link-local address, which no destination may have.
            if code == 0, let address = NetworkAddress(text.split(separator: "%").first.map(String.init) ?? text) {
                addresses.append(address)
            }
            entry = info.pointee.ai_next
        }
        return addresses
    }
}
