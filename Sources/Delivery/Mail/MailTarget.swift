import Foundation

/// A mail server and whom it is to hand notifications to.
struct MailTarget: Sendable {
    /// How the connection is protected.
    enum Security: String, Sendable {
        /// TLS from the first byte (port 465, RFC 8314).
        case tls
        /// TLS after `STARTTLS` (RFC 3207); without it nothing is sent.
        case starttls
        /// None; only to hosts that the operator allows.
        case none
    }

    /// Recipients: a list beyond this is a mailing list's work.
    static let maximumRecipients = 50

    let host: String
    let port: Int
    let security: Security
    let credentials: (username: String, password: String)?
    let certificateAuthority: String?
    let sender: String
    let recipients: [String]

    /// - Throws: ``DeliveryError``.
    init(_ settings: DestinationSettings, name: String) throws {
        func invalid(_ reason: String) -> DeliveryError {
            DeliveryError(.invalidDestination, "the destination \(name) \(reason)")
        }
        let securityName = settings.security ?? "starttls"
        guard let security = Security(rawValue: securityName) else {
            throw invalid("has an unknown security \(securityName); there are tls, starttls and none")
        }
        guard let smtp = settings.smtp, let place = Self.split(smtp, defaultPort: security == .tls ? 465 : 587) else {
            throw invalid("needs `smtp` as HOST or HOST:PORT")
        }
        guard let sender = settings.from, let recipients = settings.to,
            (1...Self.maximumRecipients).contains(recipients.count), ([sender] + recipients).allSatisfy(Self.isAddress)
        else {
            throw invalid("needs `from` and 1 to \(Self.maximumRecipients) addresses in `to`, each as user@host")
        }
        switch (settings.username, settings.password) {
        case (nil, nil): credentials = nil
        case (let username?, let password?) where !username.isEmpty && !(username + password).contains("\0"):
            guard security != .none else { throw invalid("must not send a password without TLS") }
            credentials = (username, password)
        default: throw invalid("needs both a username and a password, or neither")
        }
        (host, port) = place
        self.security = security
        self.sender = sender
        self.recipients = recipients
        certificateAuthority = settings.certificateAuthority
    }

    private static func split(_ text: String, defaultPort: Int) -> (String, Int)? {
        var host = text
        var port = defaultPort
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            if !rest.isEmpty {
                guard rest.hasPrefix(":"), let number = UInt16(rest.dropFirst()) else { return nil }
                port = Int(number)
            }
        } else if let colon = text.lastIndex(of: ":") {
            guard let number = UInt16(text[text.index(after: colon)...]) else { return nil }
            host = String(text[..<colon])
            port = Int(number)
        }
        let isPlain = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        return host.isEmpty || !isPlain ? nil : (host, port)
    }

    /// An address that can stand in an SMTP command and a header as it is (a subset of RFC 5321's `Mailbox`).
    private static func isAddress(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2 && (1...64).contains(parts[0].utf8.count) && (1...255).contains(parts[1].utf8.count)
            && text.utf8.allSatisfy { byte in
                byte > 0x20 && byte < 0x7F && !#"<>()[],;:"\"#.utf8.contains(byte)
            }
    }
}
