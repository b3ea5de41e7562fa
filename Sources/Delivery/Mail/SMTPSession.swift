import Foundation
import NIOCore

/// The dialogue with one mail server.
struct SMTPSession {
    /// Bytes of one reply: a server that says more is none.
    private static let maximumReplyBytes = 64 << 10

    private struct Reply {
        let code: Int
        let lines: [String]
        var text: String { "\(code) \(lines.last ?? "")" }
    }

    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var buffer = ByteBuffer()

    init(
        inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.inbound = inbound
        self.outbound = outbound
    }

    /// - Parameter startTLS: Puts TLS onto the connection.
    mutating func submit(_ mail: OutgoingMail, startTLS: () async throws -> Void) async throws -> [String] {
        let target = mail.target
        let name = target.sender.split(separator: "@").last.map(String.init) ?? "localhost"
        _ = try Self.require(try await reply(), 220, "its greeting")
        var abilities = try await hello(name)
        if target.security == .starttls {
            guard abilities.contains("STARTTLS") else {
                throw DeliveryError(.rejected, "the mail server offers no STARTTLS, and nothing is sent without TLS")
            }
            _ = try Self.require(try await command("STARTTLS"), 220, "STARTTLS")
            // What came before TLS was sent by whoever sits in between (CVE-2011-0411).
            guard buffer.readableBytes == 0 else {
                throw DeliveryError(.badAnswer, "the mail server said something between STARTTLS and TLS")
            }
            try await startTLS()
            abilities = try await hello(name)
        }
        if let credentials = target.credentials { try await authenticate(credentials, abilities) }
        let refused = try await envelope(target)
        _ = try Self.require(try await command("DATA"), 354, "DATA")
        try await write(Self.stuffed(mail.message))
        _ = try Self.require(try await reply(), 250, "the mail")
        // The mail is taken. Nobody waits for how the connection ends: a server that is slow in saying goodbye would get
        // the mail again.
        try? await write(Data("QUIT\r\n".utf8))
        return refused
    }

    private mutating func hello(_ name: String) async throws -> Set<String> {
        let reply = try Self.require(try await command("EHLO \(name)"), 250, "EHLO")
        return Set(reply.lines.dropFirst().map { $0.uppercased() })
    }

    private mutating func authenticate(
        _ credentials: (username: String, password: String), _ abilities: Set<String>
    ) async throws {
        let mechanisms = abilities.first { $0.hasPrefix("AUTH ") }?.split(separator: " ").dropFirst() ?? []
        let encode = { (text: String) in Data(text.utf8).base64EncodedString() }
        if mechanisms.contains("PLAIN") {
            let secret = encode("\0\(credentials.username)\0\(credentials.password)")
            _ = try Self.require(try await command("AUTH PLAIN \(secret)"), 235, "the password")
        } else if mechanisms.contains("LOGIN") {
            _ = try Self.require(try await command("AUTH LOGIN"), 334, "AUTH LOGIN")
            _ = try Self.require(try await command(encode(credentials.username)), 334, "the username")
            _ = try Self.require(try await command(encode(credentials.password)), 235, "the password")
        } else {
            throw DeliveryError(.rejected, "the mail server offers neither AUTH PLAIN nor AUTH LOGIN")
        }
    }

    /// Names sender and recipients; returns those that are refused for good.
    private mutating func envelope(_ target: MailTarget) async throws -> [String] {
        _ = try Self.require(try await command("MAIL FROM:<\(target.sender)>"), 250, "the sender")
        var refused: [String] = []
        for recipient in target.recipients {
            let reply = try await command("RCPT TO:<\(recipient)>")
            // 251: the server forwards it.
            if reply.code == 250 || reply.code == 251 { continue }
            guard reply.code >= 500 else { throw Self.failure(reply, recipient) }
            refused.append(recipient)
            guard refused.count < target.recipients.count else { throw Self.failure(reply, "every recipient") }
        }
        return refused
    }

    // MARK: Lines

    private mutating func command(_ line: String) async throws -> Reply {
        try await write(Data((line + "\r\n").utf8))
        return try await reply()
    }

    private func write(_ bytes: Data) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }

    private mutating func reply() async throws -> Reply {
        var lines: [String] = []
        var bytes = 0
        while true {
            let line = try await line()
            bytes += line.utf8.count
            guard bytes <= Self.maximumReplyBytes, line.utf8.count >= 3, let code = Int(line.prefix(3)),
                (200..<600).contains(code)
            else { throw DeliveryError(.badAnswer, "the mail server's answer is not SMTP") }
            lines.append(String(line.dropFirst(4)))
            if line.dropFirst(3).first != "-" { return Reply(code: code, lines: lines) }
        }
    }

    private mutating func line() async throws -> String {
        while true {
            if let end = buffer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
                let length = end - buffer.readerIndex
                let bytes = buffer.readBytes(length: length) ?? []
                buffer.moveReaderIndex(forwardBy: 1)
                buffer.discardReadBytes()
                return String(decoding: bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes[...], as: UTF8.self)
            }
            guard buffer.readableBytes <= Self.maximumReplyBytes else {
                throw DeliveryError(.badAnswer, "the mail server's line is too long")
            }
            guard var more = try await inbound.next() else {
                throw DeliveryError(.unreachable, "the mail server closed the connection")
            }
            buffer.writeBuffer(&more)
        }
    }

    // MARK: Answers

    private static func require(_ reply: Reply, _ code: Int, _ what: String) throws -> Reply {
        guard reply.code == code else { throw failure(reply, what) }
        return reply
    }

    /// 4yz: later perhaps; 5yz: never (RFC 5321, 4.2.1).
    private static func failure(_ reply: Reply, _ what: String) -> DeliveryError {
        let text = MessageBody.oneLine(String(reply.text.prefix(200)))
        return DeliveryError(
            reply.code >= 500 ? .rejected : .badAnswer, "the mail server does not take \(what): \(text)")
    }

    /// Lines that begin with a dot get another one, and a dot alone ends the mail (RFC 5321, 4.5.2).
    static func stuffed(_ message: Data) -> Data {
        var output = Data(capacity: message.count + 64)
        var isLineStart = true
        for byte in message {
            if isLineStart, byte == UInt8(ascii: ".") { output.append(byte) }
            output.append(byte)
            isLineStart = byte == UInt8(ascii: "\n")
        }
        if !isLineStart { output.append(contentsOf: Data("\r\n".utf8)) }
        output.append(contentsOf: Data(".\r\n".utf8))
        return output
    }
}
