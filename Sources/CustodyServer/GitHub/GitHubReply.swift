import EventModel
import Foundation
import Intake

/// An answer of GitHub's that a stream can go on with: a page, "unchanged", or a refusal of this one thing.
struct GitHubReply: Sendable {
    let status: Int
    let body: [UInt8]
    /// What asks, next time, whether anything changed.
    let etag: String?
    /// The address of the next page.
    let next: String?
    /// How many seconds GitHub asks to wait before this is asked again.
    let pollSeconds: Int64?

    init(_ reply: PullReply) {
        status = reply.status
        body = reply.body
        etag = reply["ETag"]
        next = PagedPull.nextLink(reply.headers)
        pollSeconds = reply["X-Poll-Interval"].flatMap { Int64($0) }
    }

    var isUnchanged: Bool { status == 304 }

    /// Whether the thing is not there, or not for us: it was deleted, or this repository or plan does not have it.
    var isMissing: Bool { [403, 404, 409, 410, 422, 451].contains(status) }

    /// What GitHub says of a refusal, made fit to be shown.
    var message: String { Self.message(body) }

    static func message(_ body: [UInt8]) -> String {
        let text = (try? JSONParser().withDocument(body) { $0["message"]?.string?.text }) ?? nil
        return String(
            (text ?? "no reason given").unicodeScalars.filter { $0.value >= 0x20 && $0.value < 0x7F }.prefix(200))
    }

    /// - Throws: ``PullError`` `denied` when this is a refusal.
    func found(_ what: String) throws -> GitHubReply {
        guard !isMissing else { throw PullError(.denied, "GitHub refuses \(what) (status \(status)): \(message)") }
        return self
    }
}

/// A list in an answer: its elements as they were sent.
struct GitHubList: Sendable {
    let body: [UInt8]
    let items: [Range<Int>]
    private let pointer: String

    /// - Parameter member: Under which the list lies; nil when the answer is the list.
    /// - Throws: ``PullError`` `malformed`.
    init(_ reply: GitHubReply, member: String? = nil) throws {
        body = reply.body
        pointer = member.map { "/" + $0 } ?? ""
        let found: (items: [Range<Int>], isClosed: Bool)? = reply.body.withUnsafeBytes { bytes in
            let splitter = JSONSplitter(bytes)
            var start = 0
            if let member {
                guard let offset = Array(member.utf8).withUnsafeBytes({ splitter.offset(ofMember: $0) }) else {
                    return nil
                }
                start = offset
            }
            guard let items = splitter.elements(ofArrayAt: start) else { return nil }
            // An answer that was cut off between two elements looks like a shorter list.
            let rest = bytes[(items.last?.upperBound ?? start)...].drop { $0 <= 0x20 || $0 == UInt8(ascii: "[") }
            return (items, rest.first == UInt8(ascii: "]"))
        }
        guard let found else {
            throw PullError(.malformed, "the answer holds no list\(member.map { " under \($0)" } ?? "")")
        }
        guard found.isClosed else { throw PullError(.malformed, "the answer is no whole JSON") }
        items = found.items
    }

    func part(_ number: Int) -> String { "\(pointer)/\(number)" }

    /// Reads every element.
    ///
    /// - Throws: ``PullError`` `malformed` when one is no JSON object: the answer was cut off.
    func map<Result>(_ body: (JSONValue) throws -> Result) throws -> [Result] {
        // As long and as rich as an element may be, so that one that is odd does not stop the stream: intake judges it.
        let parser = JSONParser(limits: JSONLimits(bytes: max(self.body.count, 1), depth: 64, keys: 65_534))
        return try self.body.withUnsafeBytes { bytes in
            try items.map { range in
                do {
                    return try parser.withDocument(bytes.slice(range), body)
                } catch is EventModelError {
                    throw PullError(.malformed, "the answer is no whole JSON")
                }
            }
        }
    }
}

extension JSONValue {
    /// The moment that a member tells, in seconds since 1970.
    func seconds(_ key: StaticString) -> Int64? { self[key]?.string.flatMap { Timestamp(parsing: $0.text)?.seconds } }

    func text(_ key: StaticString) -> String? { self[key]?.scalarText }
}

/// What is known of one credential's requests.
struct GitHubBudget: Sendable, Equatable {
    private(set) var limit: Int?
    private(set) var remaining: Int?
    /// When the count begins anew, by this machine's clock, in seconds.
    private(set) var reset: Int64?
    /// Until when GitHub wants nothing from us.
    var blockedUntil: Int64?

    mutating func note(_ reply: PullReply, skew: Int64) {
        guard let limit = reply["X-RateLimit-Limit"].flatMap({ Int($0) }),
            let remaining = reply["X-RateLimit-Remaining"].flatMap({ Int($0) }),
            let reset = reply["X-RateLimit-Reset"].flatMap({ Int64($0) })
        else { return }
        // Answers may overtake one another; within one hour the count only falls.
        let isSameHour = self.reset == reset - skew
        self.remaining = isSameHour ? min(remaining, self.remaining ?? remaining) : remaining
        self.limit = limit
        self.reset = reset - skew
    }

    /// The moment before which a request of an urgency has to wait; nil when it need not.
    func wait(for urgency: GitHubClient.Urgency, now: Int64) -> Int64? {
        if let blockedUntil, blockedUntil > now { return blockedUntil }
        guard let limit, let remaining, let reset, reset > now else { return nil }
        let share = urgency == .live ? GitHubLimits.reserve : GitHubLimits.backfillReserve
        return remaining > Int(Double(limit) * share) ? nil : reset
    }
}

/// A request was not made because requests are scarce. No failure: it is made later.
struct GitHubPause: Error {
    /// In seconds since 1970.
    let until: Int64
}

/// The date of an HTTP header (RFC 9110 §5.6.7).
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    static func seconds(_ text: String) -> Int64? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let month = months.firstIndex(of: String(parts[2])) else {
            return nil
        }
        let number = month + 1
        let day = parts[1].count == 1 ? "0\(parts[1])" : String(parts[1])
        return Timestamp(parsing: "\(parts[3])-\(number < 10 ? "0" : "")\(number)-\(day)T\(parts[4])Z")?.seconds
    }
}
