/// Puts the chunks of a stream of server-sent events together (HTML Standard §9.2.6), as far as the server uses them.
struct ServerSentEvents {
    struct Message: Equatable {
        var event = "message"
        var id: String?
        var data: [UInt8] = []
    }

    /// A line is one event of at most 1 MiB and its fields; whoever sends more is no Custody server.
    static let maximumLineBytes = 16 << 20

    private var line: [UInt8] = []
    private var message = Message()

    /// Takes a chunk and returns the messages that it completes. Lines end with LF or CRLF.
    ///
    /// - Throws: ``CommandFailure`` when a line has no end.
    mutating func feed(_ chunk: some Sequence<UInt8>) throws -> [Message] {
        var complete: [Message] = []
        for byte in chunk {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if let message = end(line) { complete.append(message) }
            line.removeAll(keepingCapacity: true)
        }
        guard line.count <= Self.maximumLineBytes else {
            throw CommandFailure(.unreachable, "the server's answer is not a stream of events")
        }
        return complete
    }

    /// Takes a line; a blank one ends a message.
    private mutating func end(_ line: [UInt8]) -> Message? {
        guard !line.isEmpty else {
            defer { message = Message() }
            return message.data.isEmpty ? nil : message
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return nil }
        var value = line[(colon + 1)...]
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "data":
            if !message.data.isEmpty { message.data.append(UInt8(ascii: "\n")) }
            message.data += value
        case "event": message.event = String(decoding: value, as: UTF8.self)
        case "id": message.id = String(decoding: value, as: UTF8.self)
        default: break
        }
        return nil
    }
}
