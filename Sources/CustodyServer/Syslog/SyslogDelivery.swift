import Connectors
import EventModel

/// Makes a delivery of syslog messages.
///
/// A message whose words are a JSON object is that object, as its program wrote it; the head then tells time and host where the
/// object does not. Any other is kept whole, head included.
enum SyslogDelivery {
    private static let cookie = "@cee:"
    private static let jsonLimits = JSONLimits()

    static func make(_ frames: [SyslogFrame], received: Timestamp) -> Delivery {
        let parser = JSONParser(limits: jsonLimits)
        var body: [UInt8] = []
        body.reserveCapacity(frames.reduce(0) { $0 + $1.bytes.count })
        var events: [DeliveryFrame] = []
        for frame in frames {
            var warning =
                frame.isCut ? "the message was longer than \(SyslogLimits.messageBytes) bytes and is cut" : nil
            var bytes = frame.bytes
            while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
            guard !bytes.isEmpty else { continue }
            if String(validating: bytes, as: UTF8.self) == nil {
                bytes = Array(String(decoding: bytes, as: UTF8.self).utf8)
                warning = warning ?? "the message was not UTF-8; what could not be read is replaced"
            }
            let start = body.count
            body.append(contentsOf: bytes)
            events.append(
                bytes.withUnsafeBytes { event(in: $0, at: start, received, parser, warning) })
        }
        return Delivery(method: "SYSLOG", headers: DeliveryHeaders(), body: body, received: received, frames: events)
    }

    private static func event(
        in bytes: UnsafeRawBufferPointer, at start: Int, _ received: Timestamp, _ parser: JSONParser, _ warning: String?
    ) -> DeliveryFrame {
        var whole = DeliveryFrame(range: start..<start + bytes.count, warning: warning)
        guard let message = SyslogMessage(bytes, received: received) else { return whole }
        whole.time = message.time
        whole.instance = message.host
        var content = message.content
        if bytes.slice(content).starts(with: cookie.utf8) {
            content = content.lowerBound + cookie.utf8.count..<content.upperBound
        }
        while let first = bytes.slice(content).first, first == 0x20 {
            content = content.lowerBound + 1..<content.upperBound
        }
        guard bytes.slice(content).first == UInt8(ascii: "{"),
            (try? parser.withDocument(bytes.slice(content)) { $0.kind == .object }) == true
        else { return whole }
        return DeliveryFrame(
            range: start + content.lowerBound..<start + content.upperBound, time: message.time, instance: message.host,
            warning: warning)
    }
}
