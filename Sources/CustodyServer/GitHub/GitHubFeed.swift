import Connectors
import EventModel
import Foundation
import Intake

/// Reads the activity feeds: of the organization as the token's owner sees it, or, for an App (and for tokens that may not see that),
/// of each repository (docs.github.com, "REST API endpoints for events").
///
/// A feed shows the last 300 events of the last 30 days, some of them hours late. Where the deliveries of a webhook are read,
/// they tell everything from then on, and the feed only what was before.
actor GitHubFeed: PullAdapter {
    /// By how much an event may be late in a feed.
    static let overlapSeconds: Int64 = 6 * 3_600
    /// Between two looks, unless GitHub asks for more by `X-Poll-Interval`.
    static let lookSeconds: Int64 = 60
    static let maximumQuiet = 4
    /// What a feed shows at most, less some that may be missing.
    static let fullFeed = 250

    struct Feed: Codable, Equatable {
        var etag: String?
        var next: String?
        /// The latest event that an earlier pass took, and that this pass has seen.
        var last: Int64?
        var top: Int64?
        /// Events of this pass.
        var count = 0
        /// What happened from then on is told by the deliveries.
        var cut: Int64?
        var isDone = false
    }

    struct Cursor: Codable, Equatable {
        var feeds: [String: Feed] = [:]
        var isStarted = false
        /// Since when events are taken.
        var from: Int64?
        /// Whether the organization's feed is not shown to this token.
        var usesRepositories = false
        /// The path of the organization's feed.
        var path: String?
    }

    private let context: GitHubContext
    private let progress: GitHubProgress
    private var due: [String: (moment: Int64, quiet: Int)] = [:]

    init(_ context: GitHubContext, _ progress: GitHubProgress) {
        self.context = context
        self.progress = progress
    }

    private var waitsForDeliveries: Bool { context.settings.streams.contains(.deliveries) }

    func page(after cursor: PullCursor?) async throws -> PullPage {
        var state = try GitHubCursor.decode(cursor, Cursor())
        let moment = context.now().seconds
        if waitsForDeliveries, context.parts.begins == nil {
            progress.set(.waiting, note: "for the deliveries, which tell what is new")
            return PullPage(cursor: cursor)
        }
        do {
            let names = try await feeds(&state, moment)
            guard let name = names.first(where: { isDue($0, state, moment) }), var feed = state.feeds[name] else {
                report(names, state)
                return PullPage(cursor: try GitHubCursor.encode(state))
            }
            // Asked again only in its turn, also when this fails.
            due[name] = (moment + Self.lookSeconds, due[name]?.quiet ?? 0)
            var page = PullPage(cursor: nil)
            try await read(name, &feed, &state, &page, moment)
            state.feeds[name] = feed
            report(names, state)
            page.cursor = try GitHubCursor.encode(state)
            page.hasMore = names.contains { isDue($0, state, moment) }
            return page
        } catch let pause as GitHubPause {
            progress.wait(until: pause.until)
            return PullPage(cursor: cursor)
        }
    }

    private func feeds(_ state: inout Cursor, _ moment: Int64) async throws -> [String] {
        if state.from == nil { state.from = moment - context.settings.backfillDays * 86_400 }
        var names: [String]
        if context.settings.isApp || context.settings.repositories != nil || state.usesRepositories {
            names = try await context.repositories.list().map {
                "/repos/\($0)/events?per_page=\(GitHubLimits.pageSize)"
            }
        } else if let path = state.path {
            names = [path]
        } else {
            let reply = try await context.client.get("/user").found("to say whose token this is")
            let login = (try? JSONParser().withDocument(reply.body) { $0.text("login") }) ?? nil
            guard let login, GitHubSettings.isName(login) else {
                throw PullError(.malformed, "the token's owner has no name")
            }
            let path = "/users/\(login)/events/orgs/\(context.settings.organization)?per_page=\(GitHubLimits.pageSize)"
            state.path = path
            names = [path]
        }
        let known = Set(names)
        state.feeds = state.feeds.filter { known.contains($0.key) }
        for name in names where state.feeds[name] == nil {
            // The App sees a repository that came later from its first day on.
            let cut = waitsForDeliveries ? (state.isStarted ? moment : context.parts.begins) : nil
            state.feeds[name] = Feed(cut: cut == .max ? nil : cut)
        }
        state.isStarted = true
        names.removeAll { state.feeds[$0]?.isDone ?? false }
        return names
    }

    private func isDue(_ name: String, _ state: Cursor, _ moment: Int64) -> Bool {
        guard let feed = state.feeds[name], !feed.isDone else { return false }
        return feed.next != nil || due[name]?.moment ?? 0 <= moment
    }

    private func read(
        _ name: String, _ feed: inout Feed, _ state: inout Cursor, _ page: inout PullPage, _ moment: Int64
    ) async throws {
        let isFirst = feed.next == nil
        let reply = try await context.client.get(feed.next ?? name, etag: isFirst ? feed.etag : nil)
        guard !reply.isMissing else {
            if name == state.path {
                state.usesRepositories = true
            } else {
                progress.skip(name, "status \(reply.status): \(reply.message)")
                due[name] = (moment + GitHubListingKind.missingSeconds, 0)
            }
            return
        }
        noteLook(name, reply, moment)
        guard !reply.isUnchanged else { return }
        let list = try GitHubList(reply)
        let times = try list.map { $0.seconds("created_at") }
        feed.top = max(times.compactMap(\.self).max() ?? .min, feed.top ?? .min)
        feed.count += times.count
        let oldest = times.compactMap(\.self).min() ?? .min
        let from = state.from ?? .min
        let until = feed.cut ?? .max
        page.delivery = try delivery(list) { number in
            guard let time = times[number] else { return true }
            return time >= from && time < until
        }
        let reaches = (feed.last ?? from) - (feed.last == nil ? 0 : Self.overlapSeconds)
        if let next = reply.next, next != feed.next, oldest >= reaches {
            feed.next = next
            if isFirst { feed.etag = reply.etag }
            return
        }
        if let last = feed.last, oldest > last, feed.count >= Self.fullFeed {
            page.gaps.append(
                PullGap(
                    place: String(name.prefix { $0 != "?" }),
                    reason: "the feed shows 300 events; those between \(Timestamp(seconds: last).text) and "
                        + "\(Timestamp(seconds: oldest).text) are gone"))
        }
        if isFirst { feed.etag = reply.etag }
        feed.last = max(feed.top ?? .min, feed.last ?? .min)
        if feed.last == .min { feed.last = nil }
        feed.next = nil
        feed.top = nil
        feed.count = 0
        feed.isDone = feed.cut != nil
    }

    private func noteLook(_ name: String, _ reply: GitHubReply, _ moment: Int64) {
        let quiet = reply.isUnchanged ? min((due[name]?.quiet ?? -1) + 1, Self.maximumQuiet) : 0
        // A single feed is everything there is; of many, quiet ones are looked at less often.
        let wait = Self.lookSeconds << Int64(name.hasPrefix("/repos/") ? quiet : 0)
        due[name] = (moment + max(wait, reply.pollSeconds ?? 0), quiet)
    }

    private func delivery(_ list: GitHubList, where isWanted: (Int) -> Bool) throws -> Delivery? {
        let ids = try list.map { $0.text("id") }
        let frames = list.items.indices.filter(isWanted).map { number in
            DeliveryFrame(
                range: list.items[number], part: list.part(number), identifier: ids[number].map { "event/\($0)" })
        }
        guard !frames.isEmpty else { return nil }
        return Delivery(
            method: "PULL", headers: DeliveryHeaders(), body: list.body, received: context.now(), frames: frames)
    }

    private func report(_ names: [String], _ state: Cursor) {
        let all = state.feeds.values
        let read = all.filter { $0.last != nil || $0.isDone || $0.etag != nil && $0.next == nil }.count
        let isComplete = waitsForDeliveries && all.allSatisfy(\.isDone)
        progress.set(isComplete ? .complete : read < all.count ? .backfilling : .following)
        progress.note(backfilled: all.isEmpty ? 1 : Double(read) / Double(all.count), reached: nil)
    }
}
