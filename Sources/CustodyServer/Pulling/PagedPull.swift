import Connectors
import Crypto
import EventModel
import Foundation
import Intake
import Ledger

/// Pulls JSON over HTTP, page by page: what an API offers that has a cursor.
///
/// Three ways to find the next page: a `Link` header with `rel="next"` (RFC 8288), whose address is followed and kept (Okta); a number
/// or token in the answer's body that becomes a parameter (HCP Terraform); or neither. The first request of a round bears the
/// time since which is asked; rounds overlap a little, and what comes twice is a duplicate by its own id.
struct PagedPull: PullAdapter {
    /// Pages of one round.
    static let maximumPages = 10_000

    enum Next: Sendable, Equatable {
        case link
        /// Where the answer tells the next page, and the parameter that asks for it.
        case member(path: [String], parameter: String)
        case none
    }

    struct Settings: Sendable, Equatable {
        var url: String
        var headers: [(name: String, value: String)]
        /// The member under which the events lie, outermost first; empty when the answer is the array.
        var items: [String]
        var next: Next
        /// The parameter that tells since when; nil when there is none.
        var sinceParameter: String?
        /// Where the very first round begins.
        var since: Timestamp?
        /// Seconds by which rounds overlap: as long as an API may take to show an event.
        var overlapSeconds: Int64
        /// How long the API keeps events; when more time than this passed, some may be lost. Nil for for ever.
        var retentionSeconds: Int64?

        static func == (left: Settings, right: Settings) -> Bool {
            left.url == right.url && left.headers.map(\.name) == right.headers.map(\.name)
                && left.headers.map(\.value) == right.headers.map(\.value) && left.items == right.items
                && left.next == right.next && left.sinceParameter == right.sinceParameter && left.since == right.since
                && left.overlapSeconds == right.overlapSeconds && left.retentionSeconds == right.retentionSeconds
        }
    }

    struct Cursor: Codable, Equatable {
        /// Since when this round asks, in nanoseconds.
        var since: Int64?
        /// When this round began.
        var began: Int64?
        /// The address or token of the next page; nil at the beginning of a round.
        var next: String?
        var page = 0
    }

    let settings: Settings
    let transport: any PullTransport
    let limit: Int
    let now: @Sendable () -> Timestamp

    func page(after cursor: PullCursor?) async throws -> PullPage {
        let moment = now()
        var state = try cursor.map { try Self.decode($0) } ?? Cursor(since: settings.since?.nanoseconds)
        var gaps: [PullGap] = []
        if let retention = settings.retentionSeconds, let since = state.began ?? state.since, cursor != nil,
            moment.nanoseconds - since > retention * 1_000_000_000
        {
            gaps.append(
                PullGap(
                    place: Self.withoutQuery(settings.url),
                    reason: "nothing was pulled since \(Timestamp(nanoseconds: since).text), and events are kept for "
                        + "\(retention / 86_400) days"))
        }
        if state.began == nil { state.began = moment.nanoseconds }
        let reply = try await transport.get(address(state), headers: settings.headers, limit: limit)
            .successful(now: moment)
        let events = try Self.events(in: reply.body, settings.items)
        let asked = try address(state)
        let next = try follow(reply, isEmpty: events.isEmpty)
        var page = PullPage(cursor: nil, gaps: gaps)
        if !events.isEmpty {
            var body: [UInt8] = []
            var frames: [DeliveryFrame] = []
            let pointer = settings.items.map { "/" + $0 }.joined()
            for (number, event) in events.enumerated() {
                // A link's page is the same each time; the pages of overlapping rounds are not, so there equal bytes are one event.
                let identifier = settings.next == .link ? "\(Self.digest(asked.utf8))/\(number)" : Self.digest(event)
                frames.append(
                    DeliveryFrame(
                        range: body.count..<body.count + event.count, part: "\(pointer)/\(number)",
                        identifier: "pull:" + identifier))
                body.append(contentsOf: event)
            }
            page.delivery = Delivery(
                method: "PULL", headers: DeliveryHeaders(), body: body, received: moment, frames: frames)
        }
        if let next {
            // An address that is the same again, with nothing on it, is the end for now: Okta always names a next one.
            page.hasMore = !events.isEmpty
            state.next = next
            state.page += 1
            if settings.next == .link { state.began = moment.nanoseconds }
        } else {
            let since = (state.began ?? moment.nanoseconds) - settings.overlapSeconds * 1_000_000_000
            state = Cursor(since: max(since, state.since ?? since))
        }
        guard state.page < Self.maximumPages || settings.next == .link else {
            throw PullError(.malformed, "more than \(Self.maximumPages) pages")
        }
        page.cursor = try Self.encode(state)
        return page
    }

    private func address(_ state: Cursor) throws -> String {
        if settings.next == .link, let next = state.next { return next }
        guard var components = URLComponents(string: settings.url) else {
            throw PullError(.malformed, "the url is none")
        }
        var items = components.queryItems ?? []
        if let parameter = settings.sinceParameter, let since = state.since {
            // Milliseconds are what every API reads.
            items.append(URLQueryItem(name: parameter, value: Self.text(Timestamp(nanoseconds: since))))
        }
        if case .member(_, let parameter) = settings.next, let next = state.next {
            items.removeAll { $0.name == parameter }
            items.append(URLQueryItem(name: parameter, value: next))
        }
        components.queryItems = items.isEmpty ? nil : items
        guard let text = components.string else { throw PullError(.malformed, "the url is none") }
        return text
    }

    private static func text(_ time: Timestamp) -> String {
        let whole = Timestamp(seconds: time.seconds).text.dropLast()
        let milliseconds = String(time.milliseconds - time.seconds * 1_000)
        return whole + "." + String(repeating: "0", count: 3 - milliseconds.count) + milliseconds + "Z"
    }

    /// The next page of an answer; nil when this was the round's last.
    private func follow(_ reply: PullReply, isEmpty: Bool) throws -> String? {
        switch settings.next {
        case .none: return nil
        case .link:
            guard let next = Self.nextLink(reply.headers) else { return nil }
            // Credentials go only where the operator sent them.
            guard Self.origin(next) == Self.origin(settings.url) else {
                throw PullError(.malformed, "the next page is on another host")
            }
            return next
        case .member(let path, _):
            return try reply.body.withUnsafeBytes { body in
                guard let range = Self.member(path, of: body) else { return nil }
                let value = body.slice(range).text
                guard value != "null", value != "\"\"", !isEmpty else { return nil }
                if value.hasPrefix("\"") {
                    return try JSONParser().withDocument(body.slice(range)) { $0.string?.text }
                }
                return value
            }
        }
    }

    /// The target of the link whose relation is `next` (RFC 8288 §3).
    static func nextLink(_ headers: [(name: String, value: String)]) -> String? {
        for (name, value) in headers where name.lowercased() == "link" {
            for link in value.components(separatedBy: ",") {
                let parts = link.components(separatedBy: ";")
                guard let target = parts.first?.trimmingCharacters(in: .whitespaces), target.hasPrefix("<"),
                    target.hasSuffix(">")
                else { continue }
                let isNext = parts.dropFirst().contains { parameter in
                    let text = parameter.trimmingCharacters(in: .whitespaces).lowercased()
                    return text == "rel=\"next\"" || text == "rel=next"
                }
                if isNext { return String(target.dropFirst().dropLast()) }
            }
        }
        return nil
    }

    private static func origin(_ url: String) -> String? {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme, let host = parts.host else {
            return nil
        }
        return "\(scheme)://\(host.lowercased()):\(parts.port ?? 0)"
    }

    private static func withoutQuery(_ url: String) -> String { String(url.prefix { $0 != "?" }) }

    private static func digest(_ bytes: some Sequence<UInt8>) -> String {
        LowercaseHex.encode(SHA256.hash(data: Array(bytes)))
    }

    // MARK: The answer

    private static func events(in body: [UInt8], _ path: [String]) throws -> [[UInt8]] {
        try body.withUnsafeBytes { bytes in
            guard let range = member(path, of: bytes) else {
                throw PullError(.malformed, "the answer has no \(path.joined(separator: "."))")
            }
            guard let elements = JSONSplitter(bytes.slice(range)).elements() else {
                throw PullError(.malformed, "the answer holds no array of events")
            }
            return elements.map { Array(bytes.slice(range).slice($0)) }
        }
    }

    private static func member(_ path: [String], of body: UnsafeRawBufferPointer) -> Range<Int>? {
        var range = 0..<body.count
        for name in path {
            let object = body.slice(range)
            let splitter = JSONSplitter(object)
            guard let offset = Array(name.utf8).withUnsafeBytes({ splitter.offset(ofMember: $0) }) else { return nil }
            let inner = splitter.value(at: offset)
            range = range.lowerBound + inner.lowerBound..<range.lowerBound + inner.upperBound
        }
        return range
    }

    // MARK: The cursor

    private static func decode(_ cursor: PullCursor) throws -> Cursor {
        do {
            return try JSONDecoder().decode(Cursor.self, from: Data(cursor.text.utf8))
        } catch {
            throw PullError(.malformed, "the cursor is not one of pages")
        }
    }

    private static func encode(_ cursor: Cursor) throws -> PullCursor {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return PullCursor(String(decoding: try encoder.encode(cursor), as: UTF8.self))
    }
}
