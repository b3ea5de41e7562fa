import NIOCore

/// The bounds of the syslog listeners.
enum SyslogLimits {
    /// Bytes of one message. RFC 5424 §6.1 asks for 2,048 at least; audit records in JSON are far larger.
    static let messageBytes = 256 << 10
    /// Messages that are handed to intake together: they share a commit.
    static let messagesPerDelivery = 4_096
    /// Connections of one listener, each with a buffer of a message.
    static let connections = 1_000
    /// Digits of an octet count: more is no length of a message.
    static let countDigits = 9
    /// How long a full intake is waited for before it is asked again.
    static let retrySeconds: Int64 = 1
}

/// One message as it came over the wire.
struct SyslogFrame: Equatable, Sendable {
    var bytes: [UInt8]
    /// Whether it was longer than ``SyslogLimits/messageBytes``.
    var isCut = false
}

/// Finds messages in a stream (RFC 6587 §3.4; RFC 5425 §4.3 for TLS): by octet counts or by line feeds, whichever each message
/// begins with.
///
/// What is longer than a message may be is cut, and the rest of it skipped, so that a sender that errs loses that message's end
/// and nothing else.
struct SyslogDecoder {
    private let limit: Int
    /// Octets of a counted message that are skipped; nil while no message is being skipped.
    private var skippedOctets: Int?
    private var isSkippingLine = false

    init(limit: Int = SyslogLimits.messageBytes) { self.limit = limit }

    /// The next message; nil when more has to come first.
    mutating func next(in buffer: inout ByteBuffer) -> SyslogFrame? {
        while true {
            if let octets = skippedOctets {
                let skipped = min(octets, buffer.readableBytes)
                buffer.moveReaderIndex(forwardBy: skipped)
                skippedOctets = octets == skipped ? nil : octets - skipped
                guard skippedOctets == nil else { return nil }
            }
            if isSkippingLine {
                guard let end = Self.lineEnd(buffer) else {
                    buffer.moveReaderIndex(forwardBy: buffer.readableBytes)
                    return nil
                }
                buffer.moveReaderIndex(forwardBy: end + 1)
                isSkippingLine = false
            }
            guard let first = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) else { return nil }
            // Line ends between messages: some senders put one behind a counted message, too.
            if first == 0x0A || first == 0x0D || first == 0 || first == 0x20 {
                buffer.moveReaderIndex(forwardBy: 1)
                continue
            }
            return (1...9).contains(first &- UInt8(ascii: "0")) ? counted(&buffer) : line(&buffer)
        }
    }

    /// The next message of a stream that has ended.
    mutating func last(in buffer: inout ByteBuffer) -> SyslogFrame? {
        if let frame = next(in: &buffer) { return frame }
        // The last line may lack its end; of a counted message a part is no message.
        guard !isSkippingLine, skippedOctets == nil, buffer.readableBytes > 0,
            buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) == UInt8(ascii: "<")
        else {
            buffer.moveReaderIndex(forwardBy: buffer.readableBytes)
            return nil
        }
        return take(&buffer, min(buffer.readableBytes, limit), isCut: buffer.readableBytes > limit)
    }

    /// `MSG-LEN SP SYSLOG-MSG`.
    private mutating func counted(_ buffer: inout ByteBuffer) -> SyslogFrame? {
        let view = buffer.readableBytesView
        let digits = view.prefix(SyslogLimits.countDigits + 1).prefix { $0 &- UInt8(ascii: "0") < 10 }
        guard view.count > digits.count else { return nil }
        guard digits.count <= SyslogLimits.countDigits, view[view.startIndex + digits.count] == 0x20,
            let length = Int(String(decoding: digits, as: UTF8.self)), length > 0
        else { return line(&buffer) }
        let available = view.count - digits.count - 1
        if length > limit {
            guard available >= limit else { return nil }
            buffer.moveReaderIndex(forwardBy: digits.count + 1)
            skippedOctets = length - limit
            return take(&buffer, limit, isCut: true)
        }
        guard available >= length else { return nil }
        buffer.moveReaderIndex(forwardBy: digits.count + 1)
        return take(&buffer, length, isCut: false)
    }

    private mutating func line(_ buffer: inout ByteBuffer) -> SyslogFrame? {
        guard let end = Self.lineEnd(buffer), end <= limit else {
            guard buffer.readableBytes > limit else { return nil }
            isSkippingLine = true
            return take(&buffer, limit, isCut: true)
        }
        let frame = take(&buffer, end, isCut: false)
        buffer.moveReaderIndex(forwardBy: 1)
        return frame
    }

    /// Octets before the next line feed, or the zero byte that some senders use instead.
    private static func lineEnd(_ buffer: ByteBuffer) -> Int? {
        let view = buffer.readableBytesView
        return view.firstIndex { $0 == 0x0A || $0 == 0 }.map { $0 - view.startIndex }
    }

    private func take(_ buffer: inout ByteBuffer, _ count: Int, isCut: Bool) -> SyslogFrame {
        SyslogFrame(bytes: buffer.readBytes(length: count) ?? [], isCut: isCut)
    }
}

/// ``SyslogDecoder`` in a channel's pipeline.
final class SyslogStreamDecoder: ByteToMessageDecoder {
    typealias InboundOut = SyslogFrame

    private var decoder = SyslogDecoder()

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        guard let frame = decoder.next(in: &buffer) else { return .needMoreData }
        context.fireChannelRead(wrapInboundOut(frame))
        return .continue
    }

    func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) throws -> DecodingState {
        while let frame = decoder.last(in: &buffer) { context.fireChannelRead(wrapInboundOut(frame)) }
        return .needMoreData
    }
}

/// Gathers the messages of one read, so that they share a delivery.
final class SyslogBatcher<Message>: ChannelInboundHandler {
    typealias InboundIn = Message
    typealias InboundOut = [Message]

    private var gathered: [Message] = []

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        gathered.append(unwrapInboundIn(data))
        if gathered.count >= SyslogLimits.messagesPerDelivery { pass(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        pass(context)
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        pass(context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { gathered = [] }

    private func pass(_ context: ChannelHandlerContext) {
        guard !gathered.isEmpty else { return }
        let batch = gathered
        gathered = []
        context.fireChannelRead(wrapInboundOut(batch))
    }
}
