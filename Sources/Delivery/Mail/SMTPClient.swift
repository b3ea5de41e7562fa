import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// One mail on its way out, to an address that was vetted.
package struct OutgoingMail: Sendable {
    let target: MailTarget
    let address: NetworkAddress
    /// Headers and body, lines ended by CR LF.
    let message: Data
    let timeout: Duration
}

/// How mail leaves the program.
package protocol MailTransport: Sendable {
    /// Hands a mail to the server and returns the recipients that it refused, of which there is never all.
    /// - Throws: ``DeliveryError``: `rejected` when the server will never take it, others when it may later.
    func send(_ mail: OutgoingMail) async throws -> [String]
}

/// A client for submitting mail (RFC 5321, RFC 6409), with TLS by `STARTTLS` (RFC 3207) or from the first byte (RFC 8314)
/// and AUTH PLAIN or LOGIN (RFC 4954).
///
/// One connection for each mail: notifications are rare. The server's certificate is checked against the configured name;
/// where TLS is asked for, nothing is said without it.
package struct SMTPClient: MailTransport {
    private static let connectTimeout = TimeAmount.seconds(10)

    package init() {}

    package func send(_ mail: OutgoingMail) async throws -> [String] {
        try await withThrowingTaskGroup(of: [String].self) { group in
            group.addTask { try await Self.deliver(mail) }
            group.addTask {
                try await Task.sleep(for: mail.timeout)
                throw DeliveryError(.unreachable, "the mail server took longer than \(mail.timeout)")
            }
            defer { group.cancelAll() }
            do {
                return try await group.next() ?? []
            } catch let error as DeliveryError {
                throw error
            } catch is CancellationError {
                throw CancellationError()
            } catch let error as NIOSSLExtraError where error == .failedToValidateHostname {
                throw DeliveryError(
                    .unreachable, "no TLS with the mail server: its certificate is not for \(mail.target.host)")
            } catch let error as NIOSSLError {
                throw DeliveryError(.unreachable, "no TLS with the mail server: \(Self.reason(error))")
            } catch {
                throw DeliveryError(.unreachable, "no mail server answers: \(type(of: error))")
            }
        }
    }

    /// In words for operators; the library's own name its source files.
    private static func reason(_ error: NIOSSLError) -> String {
        "\(error)".contains("CERTIFICATE_VERIFY_FAILED")
            ? "no authority that is trusted here has signed its certificate (`ca_file` names one)"
            : "the handshake failed"
    }

    private static func deliver(_ mail: OutgoingMail) async throws -> [String] {
        let target = mail.target
        let isImplicit = target.security == .tls
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(connectTimeout)
            .connect(host: mail.address.text, port: target.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if isImplicit { try addTLS(to: channel, target) }
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var session = SMTPSession(inbound: inbound.makeAsyncIterator(), outbound: outbound)
            return try await session.submit(mail) {
                try await channel.channel.eventLoop.submit { try addTLS(to: channel.channel, target) }.get()
            }
        }
    }

    private static func addTLS(to channel: any Channel, _ target: MailTarget) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let file = target.certificateAuthority { configuration.trustRoots = .file(file) }
        let context = try NIOSSLContext(configuration: configuration)
        // An address is no name for SNI; the certificate is checked against the peer's address then.
        let name = NetworkAddress(target.host) == nil ? target.host : nil
        try channel.pipeline.syncOperations.addHandler(
            try NIOSSLClientHandler(context: context, serverHostname: name), position: .first)
    }
}
