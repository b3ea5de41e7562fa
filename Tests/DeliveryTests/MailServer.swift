import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A mail server in the same process that does what a script says, and remembers what it was told.
final class MailServer: Sendable {
    struct Script: Sendable {
        var abilities = ["STARTTLS"]
        var abilitiesInside = ["AUTH PLAIN LOGIN"]
        var isImplicit = false
        /// Answers to commands that begin so; everything else is taken.
        var answers: [String: String] = [:]
        /// Said in one breath with the answer to STARTTLS.
        var injection = ""
        var isSilent = false
        /// Says nothing to QUIT and keeps the connection.
        var lingers = false
    }

    private let lines = Mutex<[String]>([])
    private let channel: Mutex<(any Channel)?>
    private let script: Script

    /// Everything that was said, one line each.
    var transcript: [String] { lines.withLock { $0 } }

    init(_ script: Script = Script()) {
        self.script = script
        channel = Mutex(nil)
    }

    /// Starts; returns the port.
    func start() async throws -> Int {
        let bound = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    if self.script.isImplicit { try Self.addTLS(to: child) }
                    try child.pipeline.syncOperations.addHandler(Dialogue(self, self.script))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        channel.withLock { $0 = bound }
        return bound.localAddress?.port ?? 0
    }

    func stop() async throws { try await channel.withLock { $0 }?.close() }

    private func note(_ line: String) { lines.withLock { $0.append(line) } }

    private static func addTLS(to channel: any Channel) throws {
        let certificate = try NIOSSLCertificate(bytes: Array(certificate.utf8), format: .pem)
        let key = try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)
        let context = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: [.certificate(certificate)], privateKey: .privateKey(key)))
        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context), position: .first)
    }

    private final class Dialogue: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let server: MailServer
        private let script: Script
        private var buffer = ""
        private var isInData = false
        private var isInside = false

        init(_ server: MailServer, _ script: Script) {
            self.server = server
            self.script = script
        }

        func handlerAdded(context: ChannelHandlerContext) {
            if context.channel.isActive { greet(context) }
        }

        func channelActive(context: ChannelHandlerContext) { greet(context) }

        private func greet(_ context: ChannelHandlerContext) {
            if !script.isSilent { say(script.answers["greeting"] ?? "220 mail ready", context) }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            buffer += String(buffer: unwrapInboundIn(data))
            while let end = buffer.range(of: "\r\n") {
                let line = String(buffer[..<end.lowerBound])
                buffer.removeSubrange(..<end.upperBound)
                server.note(line)
                answer(line, context)
            }
        }

        private func answer(_ line: String, _ context: ChannelHandlerContext) {
            if isInData {
                guard line == "." else { return }
                isInData = false
                return say(script.answers["."] ?? "250 taken", context)
            }
            if let answer = script.answers.first(where: { line.hasPrefix($0.key) })?.value {
                return say(answer, context)
            }
            switch line.prefix(4) {
            case "QUIT" where script.lingers: return
            case "EHLO":
                let abilities = ["mail"] + (isInside || script.isImplicit ? script.abilitiesInside : script.abilities)
                let last = abilities.count - 1
                say(
                    abilities.enumerated().map { "250\($0 == last ? " " : "-")\($1)" }.joined(separator: "\r\n"),
                    context)
            case "STAR":
                say("220 go ahead" + script.injection, context)
                isInside = true
                try? MailServer.addTLS(to: context.channel)
            case "AUTH": say("235 welcome", context)
            case "DATA":
                isInData = true
                say("354 go on", context)
            default: say("250 ok", context)
            }
        }

        private func say(_ text: String, _ context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text + "\r\n")), promise: nil)
        }
    }

    /// For `mail.example.com`, made for these tests and used nowhere else.
    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBqjCCAVCgAwIBAgIUZI2T/NmeuRmjEIgLTKv5Wu5W5YAwCgYIKoZIzj0EAwIw
        GzEZMBcGA1UEAwwQbWFpbC5leGFtcGxlLmNvbTAgFw0yNjExMjUyMjIyMjFaGA8y
        MTI2MTEwMTIyMjIyMVowGzEZMBcGA1UEAwwQbWFpbC5leGFtcGxlLmNvbTBZMBMG
        ByqGSM49AgEGCCqGSM49AwEHA0IABMfKjF/dFqonSV7QTF3PRdZq05vK/uilMCjD
        uhWb+lfmdOTphK1UcwJLzMuRHXYCPjA6e5eAjymND1ZpJxvGVJyjcDBuMB0GA1Ud
        DgQWBBRarlct+MdTx9/kr6PEACAsOCvolzAfBgNVHSMEGDAWgBRarlct+MdTx9/k
        r6PEACAsOCvolzAPBgNVHRMBAf8EBTADAQH/MBsGA1UdEQQUMBKCEG1haWwuZXhh
        bXBsZS5jb20wCgYIKoZIzj0EAwIDSAAwRQIgPChsx/FGeIbPN6Kvf8UhxGANEh+E
        1j8BgIsXZwaTllMCIQCR3tid5pFedzdcmiayaA+Bz1rrLoAwkvnek4iUIkBMyw==
        -----END CERTIFICATE-----
        """
    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgbQjOLVILafjzXqwz
        qBx1fhBJBF46vA/Una9cHcBUUZShRANCAATHyoxf3RaqJ0le0Exdz0XWatObyv7o
        pTAow7oVm/pX5nTk6YStVHMCS8zLkR12Aj4wOnuXgI8pjQ9WaScbxlSc
        -----END PRIVATE KEY-----
        """
}
