import Detection
import Foundation
import Testing

@testable import Delivery

@Suite("Mail")
struct SMTPTests {
    /// Sends one notification by mail through a server that follows a script.
    private func deliver(
        _ script: MailServer.Script, security: String = "starttls", host: String = "mail.example.com",
        credentials: Bool = true, timeout: Duration = .seconds(120)
    ) async throws -> (outcome: Result<[String], DeliveryError>, transcript: [String]) {
        let server = MailServer(script)
        let port = try await server.start()
        let authority = FileManager.default.temporaryDirectory.appendingPathComponent("ca-\(UUID().uuidString).pem")
        try MailServer.certificate.write(to: authority, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: authority) }
        var settings = DestinationSettings()
        settings.name = "mail"
        settings.kind = "email"
        settings.smtp = "\(host):\(port)"
        settings.security = security
        settings.from = "custody@example.org"
        settings.to = ["a@example.org", "b@example.org"]
        settings.certificateAuthority = authority.path
        if credentials {
            settings.username = "user"
            settings.password = "pass"
        }
        guard case .mail(let target) = try Destination(settings, allowsCommands: false).target,
            let address = NetworkAddress("127.0.0.1")
        else { throw DeliveryError(.invalidDestination, "no mail") }
        let mail = OutgoingMail(
            target: target, address: address, message: Data("Subject: x\r\n\r\n.hidden\r\n".utf8), timeout: timeout)
        let outcome: Result<[String], DeliveryError>
        do {
            outcome = .success(try await SMTPClient().send(mail))
        } catch let error as DeliveryError {
            outcome = .failure(error)
        }
        try await server.stop()
        return (outcome, server.transcript)
    }

    private func failure(_ result: Result<[String], DeliveryError>) -> DeliveryError? {
        if case .failure(let error) = result { error } else { nil }
    }

    @Test("A mail goes out inside TLS with the password inside it", arguments: ["starttls", "tls"])
    func delivery(security: String) async throws {
        var script = MailServer.Script()
        script.isImplicit = security == "tls"
        let (outcome, transcript) = try await deliver(script, security: security)
        #expect(try outcome.get().isEmpty)
        let password = "AUTH PLAIN " + Data("\0user\0pass".utf8).base64EncodedString()
        let start = security == "tls" ? ["EHLO example.org"] : ["EHLO example.org", "STARTTLS", "EHLO example.org"]
        #expect(
            transcript.starts(
                with: start + [
                    password, "MAIL FROM:<custody@example.org>", "RCPT TO:<a@example.org>", "RCPT TO:<b@example.org>",
                    "DATA", "Subject: x", "", "..hidden", ".",
                ]))
    }

    @Test("Without STARTTLS nothing is sent, and what is said before TLS is not believed")
    func noDowngrade() async throws {
        var script = MailServer.Script()
        script.abilities = ["AUTH PLAIN"]
        let plain = try await deliver(script)
        #expect(failure(plain.outcome)?.code == .rejected && plain.transcript == ["EHLO example.org"])
        script = MailServer.Script()
        script.injection = "\r\n250 AUTH PLAIN"
        let injected = try await deliver(script)
        #expect(failure(injected.outcome) != nil && !injected.transcript.contains { $0.hasPrefix("AUTH") })
    }

    @Test("A certificate for another name is refused before anything is said")
    func wrongName() async throws {
        let (outcome, transcript) = try await deliver(MailServer.Script(), host: "other.example.com")
        #expect(failure(outcome)?.code == .unreachable)
        #expect(!transcript.contains { $0.hasPrefix("AUTH") || $0.hasPrefix("MAIL") })
    }

    @Test("4yz is tried again, 5yz never; one refused recipient of two does not keep the mail from the other")
    func refusals() async throws {
        var script = MailServer.Script()
        script.answers = ["MAIL": "451 come back later"]
        #expect(failure(try await deliver(script).outcome)?.code == .badAnswer)
        script.answers = ["MAIL": "550 never"]
        #expect(failure(try await deliver(script).outcome)?.code == .rejected)
        script.answers = ["RCPT TO:<a@": "550 unknown"]
        #expect(try await deliver(script).outcome.get() == ["a@example.org"])
        script.answers = ["RCPT": "550 unknown"]
        #expect(failure(try await deliver(script).outcome)?.code == .rejected)
        script.answers = ["AUTH": "535 wrong"]
        #expect(failure(try await deliver(script).outcome)?.code == .rejected)
        script.answers = ["greeting": "HTTP/1.1 200 OK"]
        #expect(failure(try await deliver(script).outcome)?.code == .badAnswer)
    }

    @Test("A server that says nothing is left after the timeout")
    func silence() async throws {
        var script = MailServer.Script()
        script.isSilent = true
        let (outcome, _) = try await deliver(script, timeout: .milliseconds(200))
        #expect(failure(outcome)?.reason.contains("longer than") == true)
    }

    @Test("A mail that was taken is sent, however long the server takes to say goodbye")
    func lingering() async throws {
        var script = MailServer.Script()
        script.lingers = true
        #expect(try await deliver(script).outcome.get().isEmpty)
    }

    @Test("Mail without TLS goes to hosts of the allow list alone, and private addresses are refused")
    func guarded() async throws {
        var settings = DestinationSettings()
        settings.name = "mail"
        settings.kind = "email"
        settings.smtp = "mail.example.com:25"
        settings.security = "none"
        settings.from = "c@example.org"
        settings.to = ["a@example.org"]
        settings.grouping = .init(wait: "0", interval: "0", repetition: "0")
        for (security, address) in [("none", "93.184.215.14"), ("starttls", "10.0.0.1")] {
            settings.security = security
            let scene = try OutboxScene(settings: [settings])
            try scene.raise(entity: "eve")
            let worker = scene.worker(
                RecordingTransport(), resolver: FixedResolver(names: ["mail.example.com": [address]]))
            #expect(try await worker.deliverDue() == 1)
            #expect(try scene.outbox.list(.failed).count == 1, "\(security)")
        }
    }
}
