import EventModel
import Foundation

/// One syslog listener, as the configuration describes it.
package struct SyslogSettings: Sendable, Equatable {
    package enum Transport: String, Sendable, CaseIterable { case udp, tcp, tls }

    /// Who may send, and as which source.
    package struct Peer: Sendable, Equatable {
        /// An address or a network.
        package var addresses: String?
        /// SHA-256 of the client's certificate (RFC 5425 §4.2.2), lower-case hexadecimal.
        package var fingerprint: String?
        package var source: String

        func matches(address: String?, fingerprint presented: String?) -> Bool {
            if let addresses {
                guard let address, let range = SyslogSettings.range(addresses), let own = SyslogSettings.range(address),
                    range.lower <= own.lower, own.upper <= range.upper
                else { return false }
            }
            return fingerprint == nil || fingerprint == presented
        }
    }

    package var host: String
    package var port: Int
    package var transport: Transport
    /// The source of what no peer's entry names one for; nil refuses others than the peers.
    package var source: String?
    package var peers: [Peer] = []
    package var certificate: String?
    package var key: String?
    /// The authorities that clients' certificates have to come from; nil asks for none.
    package var clientAuthorities: String?

    package init(host: String, port: Int, transport: Transport, source: String?) {
        self.host = host
        self.port = port
        self.transport = transport
        self.source = source
    }

    /// The source of a peer; nil when it may not send.
    func source(address: String?, fingerprint: String?) -> String? {
        peers.first { $0.matches(address: address, fingerprint: fingerprint) }?.source ?? source
    }

    static func range(_ text: String) -> AddressRange? {
        if text.contains("/") { return AddressRange(cidr: text) }
        return AddressRange(cidr: text + (text.contains(":") ? "/128" : "/32"))
    }
}

extension SyslogSettings {
    /// As it stands in the configuration file.
    struct Entry: Decodable {
        struct Peer: Decodable {
            var address: String?
            var fingerprint: String?
            var source: String
        }
        enum CodingKeys: String, CodingKey {
            case listen, transport, source, peers
            case certificate = "tls_cert"
            case key = "tls_key"
            case clientAuthorities = "client_ca"
        }
        var listen: String
        var transport: String?
        var source: String?
        var peers: [Peer]?
        var certificate: String?
        var key: String?
        var clientAuthorities: String?
    }

    /// - Throws: ``ConfigurationError`` that says what is wrong.
    init(_ entry: Entry) throws {
        let (host, port) = try Self.address(entry.listen)
        guard let transport = Transport(rawValue: entry.transport ?? "tcp") else {
            throw ConfigurationError("syslog: transport is udp, tcp or tls")
        }
        self.init(host: host, port: port, transport: transport, source: entry.source)
        certificate = entry.certificate
        key = entry.key
        clientAuthorities = entry.clientAuthorities
        guard (transport == .tls) == (certificate != nil && key != nil) else {
            throw ConfigurationError("syslog: tls needs tls_cert and tls_key, the others have none")
        }
        peers = try (entry.peers ?? []).map { peer in
            let fingerprint = peer.fingerprint.map { text in
                text.lowercased().trimmingPrefix("sha256:").filter { $0 != ":" && $0 != "-" }
            }
            guard peer.address != nil || fingerprint != nil else {
                throw ConfigurationError("syslog: a peer has an address or a fingerprint")
            }
            if let address = peer.address, Self.range(address) == nil {
                throw ConfigurationError("syslog: \(address) is no address and no network")
            }
            if let fingerprint {
                guard fingerprint.utf8.count == 64, fingerprint.allSatisfy(\.isHexDigit) else {
                    throw ConfigurationError("syslog: a fingerprint is the SHA-256 of a certificate")
                }
                guard clientAuthorities != nil else {
                    throw ConfigurationError("syslog: fingerprints need client_ca, or no client shows a certificate")
                }
            }
            return Peer(addresses: peer.address, fingerprint: fingerprint.map { String($0) }, source: peer.source)
        }
        guard source != nil || !peers.isEmpty else {
            throw ConfigurationError("syslog: a source, or peers with theirs")
        }
    }

    /// `HOST:PORT`; an absent host means all addresses.
    ///
    /// - Throws: ``ConfigurationError``.
    package static func address(_ text: String) throws -> (host: String, port: Int) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw ConfigurationError("the address \(text) is not HOST:PORT")
        }
        let host = text[..<colon].trimmingCharacters(in: ["[", "]"])
        return (host.isEmpty ? "0.0.0.0" : host, Int(port))
    }
}
