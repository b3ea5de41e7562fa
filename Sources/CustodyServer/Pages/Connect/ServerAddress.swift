import EventModel
import HTTPTypes
import Hummingbird

/// This server's address as the browser that asks has it: what systems are told to send to.
struct ServerAddress {
    let text: String
    private let host: String

    init(_ request: Request, isTLS: Bool) {
        let authority = request.head.authority ?? "127.0.0.1:8400"
        text = (SessionCookie.isSecure(request, isTLS: isTLS) ? "https://" : "http://") + authority
        host =
            authority.hasPrefix("[")
            ? String(authority.dropFirst().prefix { $0 != "]" }) : String(authority.prefix { $0 != ":" })
    }

    /// Whether nothing on the internet can send to it: names and addresses of this machine and of private networks (RFC 1918,
    /// RFC 4193, RFC 6762).
    var isPrivate: Bool {
        if host == "localhost" || host.hasSuffix(".local") || !host.contains(".") && !host.contains(":") { return true }
        guard let address = AddressRange(cidr: host + (host.contains(":") ? "/128" : "/32")) else { return false }
        return Self.privateRanges.contains {
            $0.lower.value <= address.lower.value && address.upper.value <= $0.upper.value
        }
    }

    private static let privateRanges = [
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "::1/128",
        "fc00::/7", "fe80::/10",
    ].compactMap { AddressRange(cidr: $0) }
}
