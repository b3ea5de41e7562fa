import Connectors
import Crypto
import EventModel
import Foundation
import Intake
import Ledger
import Synchronization

/// Takes the objects of an S3-compatible bucket, each as one delivery: CloudTrail's log files, and whatever else is written there
/// once and never changed.
///
/// Keys need not be in the order of time. What was taken is remembered by key and version as long as something could still
/// appear that was written before it; what is older than that counts as taken.
final class BucketPull: PullAdapter {
    /// An object may appear in listings so much later than it says it was written.
    static let overlapSeconds: Int64 = 3_600
    /// Objects of one overlap that are remembered; with more, those of the earliest seconds count as taken.
    static let maximumRemembered = 50_000
    /// Pages of one listing, of 1,000 objects each.
    static let maximumPages = 1_000

    struct Settings: Sendable, Equatable {
        /// `https://s3.eu-central-1.amazonaws.com`, or any server that speaks S3. The bucket stands in the path.
        var endpoint: String
        var bucket: String
        /// May hold `{yyyy}`, `{mm}` and `{dd}`: then only today's and yesterday's (UTC) prefixes are listed.
        var prefix: String
        /// Only keys that end so are taken.
        var suffix: String
        var region: String
        var accessKey: String
        var secretKey: String
        var sessionToken: String?
        /// Objects that were written before are not taken.
        var since: Timestamp?
    }

    struct Cursor: Codable, Equatable {
        /// The latest time of writing of what was taken, in nanoseconds.
        var latest: Int64 = 0
        /// What was written before counts as taken, in nanoseconds.
        var floor: Int64 = 0
        /// By a digest of key and version, when it was written: what was taken since the floor.
        var taken: [String: Int64] = [:]
    }

    private let settings: Settings
    private let transport: any PullTransport
    private let limit: Int
    private let now: @Sendable () -> Timestamp
    /// What the last listing found and has not been taken yet.
    private let waiting = Mutex<[BucketListing.Object]>([])

    /// - Parameter limit: The most bytes of an object, packed and unpacked.
    init(_ settings: Settings, transport: any PullTransport, limit: Int, now: @escaping @Sendable () -> Timestamp) {
        self.settings = settings
        self.transport = transport
        self.limit = limit
        self.now = now
    }

    func page(after cursor: PullCursor?) async throws -> PullPage {
        var state = try cursor.map { try Self.decode($0) } ?? Cursor(floor: settings.since?.nanoseconds ?? 0)
        if waiting.withLock({ $0.isEmpty }) {
            let fresh = try await listed().filter { isWanted($0, state) }
            waiting.withLock { $0 = fresh.sorted { ($0.modified, $0.key) < ($1.modified, $1.key) } }
        }
        while let object = waiting.withLock({ $0.first }) {
            // The cursor is the truth: what was committed by now is not taken again.
            guard isWanted(object, state) else {
                waiting.withLock { $0.removeAll { $0 == object } }
                continue
            }
            let (delivery, gap) = try await fetch(object)
            waiting.withLock { $0.removeAll { $0 == object } }
            Self.note(object, in: &state)
            return PullPage(
                delivery: delivery, deliveryID: "s3:\(settings.bucket)/\(object.key)#\(object.tag)",
                cursor: try Self.encode(state), hasMore: waiting.withLock { !$0.isEmpty }, gaps: gap.map { [$0] } ?? [])
        }
        return PullPage(cursor: try cursor ?? Self.encode(state))
    }

    private func isWanted(_ object: BucketListing.Object, _ state: Cursor) -> Bool {
        guard object.key.hasSuffix(settings.suffix), object.size > 0, !object.key.hasSuffix("/") else { return false }
        if let since = settings.since, object.modified < since { return false }
        guard object.modified.nanoseconds >= state.floor else { return false }
        return state.taken[Self.digest(object)] == nil
    }

    private static func digest(_ object: BucketListing.Object) -> String {
        LowercaseHex.encode(SHA256.hash(data: Array("\(object.key) \(object.tag)".utf8)).prefix(10))
    }

    private static func note(_ object: BucketListing.Object, in state: inout Cursor) {
        state.latest = max(state.latest, object.modified.nanoseconds)
        state.floor = max(state.floor, state.latest - overlapSeconds * 1_000_000_000)
        state.taken[digest(object)] = object.modified.nanoseconds
        state.taken = state.taken.filter { $0.value >= state.floor }
        guard state.taken.count > maximumRemembered else { return }
        let times = state.taken.values.sorted()
        state.floor = times[times.count - maximumRemembered / 2]
        state.taken = state.taken.filter { $0.value >= state.floor }
    }

    // MARK: The bucket

    private func listed() async throws -> [BucketListing.Object] {
        var objects: [BucketListing.Object] = []
        for prefix in prefixes() {
            var token: String?
            for _ in 0..<Self.maximumPages {
                var query = [("list-type", "2"), ("prefix", prefix), ("encoding-type", "url")]
                if let token { query.append(("continuation-token", token)) }
                let reply = try await get("", query).successful(now: now())
                guard let listing = BucketListing(xml: String(decoding: reply.body, as: UTF8.self)) else {
                    throw PullError(.malformed, "the answer is no listing of a bucket")
                }
                objects += listing.objects
                token = listing.continuation
                if token == nil { break }
            }
            guard token == nil else {
                throw PullError(.malformed, "more than \(Self.maximumPages * 1_000) objects below \(prefix)")
            }
        }
        return objects
    }

    func prefixes() -> [String] {
        guard settings.prefix.contains("{") else { return [settings.prefix] }
        let today = Int64(now().day)
        return [today - 1, today].map { day in
            let date = Timestamp.civilDate(ofDay: day)
            func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
            return settings.prefix.replacingOccurrences(of: "{yyyy}", with: String(date.year))
                .replacingOccurrences(of: "{mm}", with: two(date.month))
                .replacingOccurrences(of: "{dd}", with: two(date.day))
        }
    }

    private func fetch(_ object: BucketListing.Object) async throws -> (Delivery?, PullGap?) {
        func gap(_ reason: String) -> PullGap { PullGap(place: "\(settings.bucket)/\(object.key)", reason: reason) }
        guard object.size <= limit else { return (nil, gap("the object has more than \(limit) bytes")) }
        let reply = try await get(object.key, [])
        if reply.status == 404 { return (nil, gap("the object was listed and is gone")) }
        var body = try reply.successful(now: now()).body
        if body.starts(with: [0x1F, 0x8B]) {
            do {
                body = try ContentDecoding(limit: limit).decode(body, encoding: "gzip")
            } catch let problem as Problem {
                return (nil, gap(problem.detail))
            }
        }
        return (Delivery(method: "S3", headers: DeliveryHeaders(), body: body, received: now()), nil)
    }

    private func get(_ key: String, _ query: [(String, String)]) async throws -> PullReply {
        guard let separator = settings.endpoint.range(of: "://") else {
            throw PullError(.malformed, "the endpoint is no URL")
        }
        let host = String(settings.endpoint[separator.upperBound...].prefix { $0 != "/" })
        let path = "/" + RequestSignature.encode("\(settings.bucket)/\(key)", keepingSlashes: true)
        let signature = RequestSignature(
            accessKey: settings.accessKey, secretKey: settings.secretKey, sessionToken: settings.sessionToken,
            region: settings.region, service: "s3")
        let headers = signature.headers(host: host, path: path, query: query, now: now())
        let text = RequestSignature.canonicalQuery(query)
        let scheme = settings.endpoint[..<separator.lowerBound]
        return try await transport.get(
            "\(scheme)://\(host)\(path)\(text.isEmpty ? "" : "?" + text)", headers: headers, limit: max(limit, 8 << 20))
    }

    // MARK: The cursor

    private static func decode(_ cursor: PullCursor) throws -> Cursor {
        do {
            return try JSONDecoder().decode(Cursor.self, from: Data(cursor.text.utf8))
        } catch {
            throw PullError(.malformed, "the cursor is not one of a bucket")
        }
    }

    private static func encode(_ cursor: Cursor) throws -> PullCursor {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return PullCursor(String(decoding: try encoder.encode(cursor), as: UTF8.self))
    }
}
