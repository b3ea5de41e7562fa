import Connectors
import EventModel
import Foundation
import Intake

/// Reads what GitHub sent, or tried to send, to a webhook: the App's, or, for a token, the organization's.
///
/// GitHub keeps each delivery's payload for three days, whether anybody answered it or not. So a server that nothing can reach gets
/// every event of the webhook, under the id with which it would have been sent; one that was away for a while gets what it missed.
actor GitHubDeliveries: PullAdapter {
    static let lookSeconds: Int64 = 60
    /// How much later a delivery may appear in the list.
    static let overlapSeconds: Int64 = 300
    /// How long a delivery that was asked for again is waited for, before its payload is fetched.
    static let redeliverySeconds: Int64 = 300
    /// Deliveries whose payloads wait to be fetched; the list is read on when there is room.
    static let maximumWaiting = 5_000

    struct Waiting: Codable, Equatable {
        var id: Int64
        var guid: String
        var event: String
        var at: Int64
        /// Whether it was not answered with success.
        var failed: Bool
        /// When it was asked for again.
        var asked: Int64?
    }

    struct Cursor: Codable, Equatable {
        /// The latest delivery that an earlier pass has seen, and this pass.
        var mark: Int64?
        var top: Int64?
        var next: String?
        var oldest: Int64?
        var waiting: [Waiting] = []
        /// Since when the webhook tells everything.
        var begins: Int64?
        var hook: Int64?
    }

    private let context: GitHubContext
    private let progress: GitHubProgress
    /// Whether a delivery of an id was kept already.
    private let isKnown: @Sendable (String) -> Bool
    private let covered: Set<String>
    private var due: Int64 = 0

    init(_ context: GitHubContext, _ progress: GitHubProgress, isKnown: @escaping @Sendable (String) -> Bool) {
        self.context = context
        self.progress = progress
        self.isKnown = isKnown
        covered = context.settings.streams.reduce(into: []) { $0.formUnion($1.covered) }
    }

    private var identity: GitHubClient.Identity { context.settings.isApp ? .app : .member }

    func page(after cursor: PullCursor?) async throws -> PullPage {
        var state = try GitHubCursor.decode(cursor, Cursor())
        let moment = context.now().seconds
        if let begins = state.begins { context.parts.set(begins) }
        do {
            var page = PullPage(cursor: nil)
            if let place = nextWaiting(state, moment) {
                try await take(place, &state, &page, moment)
            } else if state.next != nil || due <= moment, state.waiting.count < Self.maximumWaiting {
                try await look(&state, &page, moment)
            }
            page.cursor = try GitHubCursor.encode(state)
            page.hasMore =
                nextWaiting(state, moment) != nil || state.next != nil && state.waiting.count < Self.maximumWaiting
            report(state)
            return page
        } catch let pause as GitHubPause {
            progress.wait(until: pause.until)
            return PullPage(cursor: cursor)
        }
    }

    private func nextWaiting(_ state: Cursor, _ moment: Int64) -> Int? {
        state.waiting.firstIndex { $0.asked.map { moment - $0 >= Self.redeliverySeconds } ?? true }
    }

    // MARK: The list

    private func look(_ state: inout Cursor, _ page: inout PullPage, _ moment: Int64) async throws {
        guard let path = try await path(&state) else {
            due = moment + GitHubListingKind.missingSeconds
            return
        }
        let target = state.next ?? "\(path)?per_page=\(GitHubLimits.pageSize)"
        let reply = try await context.client.get(target, as: identity)
        guard !reply.isMissing else {
            due = moment + GitHubListingKind.missingSeconds
            return try leave("status \(reply.status): \(reply.message)")
        }
        let list = try GitHubList(reply).map { value -> Waiting? in
            guard let id = value["id"]?.int64, let guid = value.text("guid"), let at = value.seconds("delivered_at")
            else {
                return nil
            }
            let status = value["status_code"]?.int64 ?? 0
            return Waiting(
                id: id, guid: guid, event: value.text("event") ?? "", at: at, failed: !(200..<300).contains(status))
        }.compactMap(\.self)
        let mark = state.mark ?? 0
        for delivery in list {
            state.top = max(state.top ?? .min, delivery.at)
            state.oldest = min(state.oldest ?? .max, delivery.at)
            take(delivery, &state)
        }
        let oldest = list.map(\.at).min() ?? .min
        if let next = reply.next, next != state.next, oldest >= mark - Self.overlapSeconds || state.mark == nil {
            state.next = next
            return
        }
        if let last = state.mark, let oldest = state.oldest, oldest > last,
            moment - last > GitHubLimits.deliveryRetentionSeconds
        {
            page.gaps.append(
                PullGap(
                    place: path,
                    reason:
                        "GitHub keeps deliveries for three days; those between \(Timestamp(seconds: last).text) and "
                        + "\(Timestamp(seconds: oldest).text) are gone"))
        }
        if state.begins == nil {
            let begins = state.oldest ?? moment
            state.begins = begins
        }
        state.mark = max(state.mark ?? .min, state.top ?? moment - Self.overlapSeconds)
        state.next = nil
        state.top = nil
        state.oldest = nil
        due = moment + Self.lookSeconds
    }

    private func take(_ delivery: Waiting, _ state: inout Cursor) {
        guard delivery.at >= (state.mark ?? 0) - Self.overlapSeconds, delivery.event != "ping",
            !covered.contains(delivery.event), !isKnown(delivery.guid),
            !state.waiting.contains(where: { $0.guid == delivery.guid })
        else { return }
        state.waiting.append(delivery)
    }

    /// Where the deliveries are; nil when there is no webhook.
    private func path(_ state: inout Cursor) async throws -> String? {
        if context.settings.isApp { return "/app/hook/deliveries" }
        let organization = context.settings.organization
        if let hook = context.settings.hook ?? state.hook { return "/orgs/\(organization)/hooks/\(hook)/deliveries" }
        let reply = try await context.client.get("/orgs/\(organization)/hooks?per_page=\(GitHubLimits.pageSize)")
            .found("the organization's webhooks")
        let end = "/v1/hooks/\(context.settings.source)"
        let found = try GitHubList(reply).map { value -> Int64? in
            value["config"]?.text("url")?.hasSuffix(end) == true ? value["id"]?.int64 : nil
        }
        guard let hook = found.compactMap(\.self).first else {
            try leave("no webhook of \(organization) ends in \(end); name one by hook")
            return nil
        }
        state.hook = hook
        return "/orgs/\(organization)/hooks/\(hook)/deliveries"
    }

    /// There is no webhook: the feed has to tell everything.
    private func leave(_ reason: String) throws {
        context.parts.set(.max)
        progress.set(.unavailable, note: reason)
        if context.settings.areStreamsChosen { throw PullError(.denied, "deliveries cannot be read: \(reason)") }
    }

    // MARK: One delivery

    private func take(_ place: Int, _ state: inout Cursor, _ page: inout PullPage, _ moment: Int64) async throws {
        var delivery = state.waiting[place]
        guard !isKnown(delivery.guid) else {
            state.waiting.remove(at: place)
            return
        }
        guard let path = try await path(&state) else { return }
        if context.settings.redelivers, delivery.failed, delivery.asked == nil {
            // What comes by itself comes as it was signed. When it does not, its payload is fetched.
            _ = try await context.client.post("\(path)/\(delivery.id)/attempts", as: identity)
            delivery.asked = moment
            state.waiting[place] = delivery
            return
        }
        let reply = try await context.client.get("\(path)/\(delivery.id)", as: identity)
        state.waiting.remove(at: place)
        guard !reply.isMissing, let payload = Self.payload(reply.body) else {
            page.gaps.append(
                PullGap(
                    place: "\(path)/\(delivery.id)",
                    reason: "the payload of the delivery \(delivery.guid) (\(delivery.event)) is gone"))
            return
        }
        page.delivery = Delivery(
            method: "PULL",
            headers: DeliveryHeaders([("X-GitHub-Event", delivery.event), ("X-GitHub-Delivery", delivery.guid)]),
            body: payload, received: context.now())
    }

    /// What was sent, as it stands in the answer: `request.payload`.
    static func payload(_ body: [UInt8]) -> [UInt8]? {
        body.withUnsafeBytes { bytes in
            let splitter = JSONSplitter(bytes)
            guard let request = Array("request".utf8).withUnsafeBytes({ splitter.offset(ofMember: $0) }),
                let payload = Array("payload".utf8).withUnsafeBytes({
                    splitter.offset(ofMember: $0, inObjectAt: request)
                }), bytes[payload] == UInt8(ascii: "{")
            else { return nil }
            return Array(bytes.slice(splitter.value(at: payload)))
        }
    }

    private func report(_ state: Cursor) {
        guard progress.snapshot.phase != .unavailable || state.begins != nil else { return }
        progress.set(state.begins == nil || state.waiting.count > GitHubLimits.pageSize ? .backfilling : .following)
        progress.note(backfilled: nil, reached: state.begins)
    }
}
