import Connectors
import Crypto
import EventModel
import Foundation
import Intake
import Ledger
import Synchronization

/// Drains a relay. What the last drain brought is committed when the next one asks for what comes behind it, and only then the relay
/// lets it go.
struct RelayPull: PullAdapter {
    struct Settings: Sendable, Equatable {
        /// Where the relay is reached: `https://relay.example.org`.
        var url: String
        var key: RelayPublicKey
    }

    /// Bytes asked for at once.
    static let bytes = 4 << 20
    /// How much earlier than its bounds a time of receipt may be: the clocks of the two may differ.
    static let skew: Int64 = 300_000_000_000

    private struct Cursor: Codable {
        var spool: String
        var number: UInt64
        var mark: String
        /// When the relay last had nothing more, by this server's clock: what comes later was received later.
        var emptied: Int64?
    }

    let settings: Settings
    let channel: RelayChannel
    let transport: any RelayTransport
    let sources: @Sendable () -> [DrainRequest.Source]
    let status: RelayStatus
    let limit: Int
    let now: @Sendable () -> Timestamp
    let nonce: @Sendable () -> String

    init(
        _ settings: Settings, channel: RelayChannel, transport: any RelayTransport, status: RelayStatus, limit: Int,
        sources: @escaping @Sendable () -> [DrainRequest.Source], now: @escaping @Sendable () -> Timestamp,
        nonce: @escaping @Sendable () -> String = {
            LowercaseHex.encode(SymmetricKey(size: .bits128).withUnsafeBytes { Array($0) })
        }
    ) {
        self.settings = settings
        self.channel = channel
        self.transport = transport
        self.status = status
        self.limit = limit
        self.sources = sources
        self.now = now
        self.nonce = nonce
    }

    func page(after cursor: PullCursor?) async throws -> PullPage {
        let known = try cursor.map { try Self.decode($0) }
        let asked = now()
        let answer = try await drain(known, asked)
        status.note(answer.head)
        var next = known ?? Cursor(spool: answer.head.spool, number: 0, mark: "")
        var gaps: [PullGap] = []
        if next.spool != answer.head.spool {
            gaps.append(gap("the relay has another spool than before: what waited in that one is lost"))
            next = Cursor(spool: answer.head.spool, number: 0, mark: "", emptied: next.emptied)
        }
        let (entries, holes) = try entries(answer, &next)
        gaps += holes.map(gap)
        if !answer.head.more { next.emptied = asked.nanoseconds }
        let body = try RelayBatch.text(entries)
        return PullPage(
            delivery: entries.isEmpty
                ? nil : Delivery(method: "RELAY", headers: DeliveryHeaders(), body: body, received: asked),
            cursor: try Self.encode(next), hasMore: answer.head.more, gaps: gaps)
    }

    private func gap(_ reason: String) -> PullGap { PullGap(place: settings.url, reason: reason) }

    /// Opens what came, and finds what is missing between.
    private func entries(
        _ answer: DrainAnswer, _ cursor: inout Cursor
    ) throws -> (entries: [RelayBatch.Entry], holes: [String]) {
        var entries: [RelayBatch.Entry] = []
        var holes: [String] = []
        for delivery in answer.deliveries {
            guard delivery.number > cursor.number else {
                throw PullError(.malformed, "the relay sent a delivery out of order")
            }
            if cursor.number > 0, delivery.number > cursor.number + 1 {
                holes.append(
                    "the relay cannot give \(delivery.number - cursor.number - 1) deliveries before number \(delivery.number): "
                        + "they were damaged, or given to this server before it was put back to an earlier state")
            }
            do {
                var entry = try RelayEntry(text: try channel.open(delivery.sealed))
                entry.received = bounded(entry.received, cursor)
                entries.append(.init(id: "relay:\(cursor.spool)/\(delivery.number)", entry: entry))
            } catch {
                holes.append("the delivery \(delivery.number) was not sealed by this relay for this server")
            }
            cursor.number = delivery.number
            cursor.mark = LowercaseHex.encode(SpoolLog.mark(delivery.sealed))
        }
        return (entries, holes)
    }

    /// Signed times are judged by the time of receipt that the relay tells. It cannot lie further than this: into the future, or
    /// behind the moment at which it had nothing more.
    private func bounded(_ received: Timestamp, _ cursor: Cursor) -> Timestamp {
        let latest = now()
        let earliest = Timestamp(nanoseconds: cursor.emptied ?? .min).advanced(byNanoseconds: -Self.skew)
        return min(max(received, earliest), latest)
    }

    private func drain(_ cursor: Cursor?, _ moment: Timestamp) async throws -> DrainAnswer {
        let after = cursor.flatMap { cursor in
            cursor.number == 0 ? nil : DrainRequest.After(spool: cursor.spool, number: cursor.number, mark: cursor.mark)
        }
        let body: [UInt8]
        do {
            body = try DrainRequest(after: after, bytes: Self.bytes, sources: sources()).text()
        } catch {
            throw PullError(.malformed, "the request cannot be written")
        }
        let (time, nonce) = (String(moment.seconds), nonce())
        let code = channel.proof(DrainRequest.purpose, [Array(time.utf8), Array(nonce.utf8), body])
        let reply = try await transport.post(
            settings.url + DrainRequest.path,
            headers: [
                (DrainProof.time, time), (DrainProof.nonce, nonce), (DrainProof.code, code),
                ("Content-Type", "application/json"),
            ], body: body, limit: limit + Self.bytes
        ).successful(now: moment)
        // Anybody between could answer; only the relay can prove it.
        guard let proof = reply[DrainProof.code],
            channel.isProof(proof, DrainAnswer.purpose, [Array(nonce.utf8), reply.body])
        else { throw PullError(.denied, "the answer does not come from the relay with the key \(settings.key)") }
        do {
            return try DrainAnswer(text: reply.body)
        } catch {
            throw PullError(.malformed, "\(error)")
        }
    }

    // MARK: The cursor

    private static func decode(_ cursor: PullCursor) throws -> Cursor {
        do {
            return try JSONDecoder().decode(Cursor.self, from: Data(cursor.text.utf8))
        } catch {
            throw PullError(.malformed, "the cursor is not one of a relay")
        }
    }

    private static func encode(_ cursor: Cursor) throws -> PullCursor {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return PullCursor(String(decoding: try encoder.encode(cursor), as: UTF8.self))
    }
}

/// What a relay says of itself, for the metrics.
final class RelayStatus: Sendable {
    private let last = Mutex<DrainAnswer.Head?>(nil)
    func note(_ head: DrainAnswer.Head) { last.withLock { $0 = head } }
    var head: DrainAnswer.Head? { last.withLock { $0 } }
}

/// The opened deliveries of one drain, on their way through the pull.
enum RelayBatch {
    struct Entry: Sendable, Equatable {
        /// Under which its events are known where they bring no id of their own: the same at each drain.
        var id: String
        var entry: RelayEntry
    }

    static func text(_ entries: [Entry]) throws -> [UInt8] {
        var bytes: [UInt8] = []
        for entry in entries {
            RelayFrames.append(0, Array(entry.id.utf8), to: &bytes)
            RelayFrames.append(0, try entry.entry.text(), to: &bytes)
        }
        return bytes
    }

    static func entries(_ text: [UInt8]) throws -> [Entry] {
        let frames = try RelayFrames.read(text[...])
        return try stride(from: 0, to: frames.count - 1, by: 2).map { place in
            Entry(
                id: String(decoding: frames[place].text, as: UTF8.self),
                entry: try RelayEntry(text: Array(frames[place + 1].text)))
        }
    }
}
