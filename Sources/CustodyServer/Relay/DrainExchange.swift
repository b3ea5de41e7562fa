import Foundation

/// What a server asks of its relay: `POST /v1/relay/drain`.
struct DrainRequest: Codable, Sendable, Equatable {
    static let path = "/v1/relay/drain"
    static let purpose = "custody relay drain"

    /// A name that deliveries may come for, and by which connector's rules challenges are answered.
    struct Source: Codable, Sendable, Equatable {
        var name: String
        var connector: String
    }

    /// Up to where the server has everything, committed: the relay lets it go.
    struct After: Codable, Sendable, Equatable {
        var spool: String
        var number: UInt64
        var mark: String
    }

    var after: After?
    var bytes: Int
    var sources: [Source]

    func text() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }
}

/// What the relay answers: a line of JSON, then sealed deliveries as ``RelayFrames``.
struct DrainAnswer: Sendable {
    static let purpose = "custody relay answer"

    struct Head: Codable, Sendable, Equatable {
        /// The spool's id.
        var spool: String
        var more: Bool
        /// Deliveries and bytes that wait, those of this answer included.
        var waiting: Int
        var bytes: UInt64
        /// Since the relay's start: deliveries taken, and those that were not, by reason.
        var accepted: Int
        var refused: [String: Int]
    }

    var head: Head
    var deliveries: [(number: UInt64, sealed: [UInt8])]

    func text() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var bytes = Array(try encoder.encode(head)) + [UInt8(ascii: "\n")]
        for delivery in deliveries { RelayFrames.append(delivery.number, delivery.sealed, to: &bytes) }
        return bytes
    }

    init(head: Head, deliveries: [(number: UInt64, sealed: [UInt8])]) {
        self.head = head
        self.deliveries = deliveries
    }

    /// - Throws: ``RelayError`` `malformed`.
    init(text: [UInt8]) throws {
        guard let end = text.firstIndex(of: UInt8(ascii: "\n")),
            let head = try? JSONDecoder().decode(Head.self, from: Data(text[..<end]))
        else { throw RelayError.malformed("the answer of the relay has no head") }
        self.head = head
        deliveries = try RelayFrames.read(text[(end + 1)...]).map { ($0.number, Array($0.text)) }
    }
}

/// The headers by which the two sides prove themselves. The request's code covers time and nonce, so that it is good for some
/// minutes only; the answer's covers the nonce, so that no older answer passes for it. Doing a request twice does no harm.
enum DrainProof {
    static let time = "Custody-Relay-Time"
    static let nonce = "Custody-Relay-Nonce"
    static let code = "Custody-Relay-Proof"
}
