import Connectors
import EventModel
import Foundation

/// A delivery as the relay took it: what the server needs to judge it as if it had come directly.
struct RelayEntry: Sendable, Equatable {
    /// The name behind `/v1/hooks/`.
    var name: String
    var method: String
    /// By the relay's clock.
    var received: Timestamp
    /// The address that it came from, as the relay saw it.
    var client: String?
    var headers: [[String]]
    /// As it was sent: neither unpacked nor changed.
    var body: [UInt8]

    private struct Head: Codable {
        var name: String
        var method: String
        var received: Int64
        var client: String?
        var headers: [[String]]
    }

    /// A line of JSON, then the body.
    func text() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let head = try encoder.encode(
            Head(name: name, method: method, received: received.nanoseconds, client: client, headers: headers))
        return Array(head) + [UInt8(ascii: "\n")] + body
    }

    init(
        name: String, method: String, received: Timestamp, client: String?, headers: [[String]], body: [UInt8]
    ) {
        self.name = name
        self.method = method
        self.received = received
        self.client = client
        self.headers = headers
        self.body = body
    }

    /// - Throws: ``RelayError`` `malformed`.
    init(text: [UInt8]) throws {
        guard let end = text.firstIndex(of: UInt8(ascii: "\n")),
            let head = try? JSONDecoder().decode(Head.self, from: Data(text[..<end])),
            head.headers.allSatisfy({ $0.count == 2 })
        else { throw RelayError.malformed("an opened delivery has no head") }
        self.init(
            name: head.name, method: head.method, received: Timestamp(nanoseconds: head.received), client: head.client,
            headers: head.headers, body: Array(text[(end + 1)...]))
    }

    /// The first value of a header, whatever its case.
    subscript(header name: String) -> String? {
        headers.first { $0[0].lowercased() == name.lowercased() }?[1]
    }
}

/// Several texts one behind the other, each with its length and its number in the spool.
enum RelayFrames {
    static func append(_ number: UInt64, _ text: [UInt8], to bytes: inout [UInt8]) {
        withUnsafeBytes(of: UInt32(text.count).littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: text)
    }

    /// - Throws: ``RelayError`` `malformed` for lengths that do not fit.
    static func read(_ bytes: ArraySlice<UInt8>) throws -> [(number: UInt64, text: ArraySlice<UInt8>)] {
        var frames: [(UInt64, ArraySlice<UInt8>)] = []
        var rest = bytes
        while !rest.isEmpty {
            guard rest.count >= 12 else { throw RelayError.malformed("a frame is cut off") }
            let length = Int(number(rest.prefix(4)))
            let place = number(rest.dropFirst(4).prefix(8))
            let text = rest.dropFirst(12).prefix(length)
            guard text.count == length else { throw RelayError.malformed("a frame is cut off") }
            frames.append((place, text))
            rest = rest.dropFirst(12 + length)
        }
        return frames
    }

    static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
