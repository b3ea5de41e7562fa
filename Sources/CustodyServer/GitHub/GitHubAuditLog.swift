import Connectors
import EventModel
import Foundation
import Intake

/// Reads the organization's audit log, oldest first, where the plan has one (docs.github.com, "Get the audit log for an
/// organization": Enterprise Cloud; 1,750 requests an hour).
///
/// Rounds overlap a little, and what comes twice is a duplicate by its `_document_id`.
actor GitHubAuditLog: PullAdapter {
    static let lookSeconds: Int64 = 60
    /// How long an entry may take to appear.
    static let overlapSeconds: Int64 = 600
    /// How often a plan is asked whether it has an audit log by now.
    static let missingSeconds: Int64 = 86_400
    /// Git events are kept for so long, others for 180 days.
    static let gitRetentionSeconds: Int64 = 7 * 86_400

    struct Cursor: Codable, Equatable {
        var from: Int64
        /// Since when this round asks.
        var since: Int64
        var began: Int64
        var next: String?
        var top: Int64?
        var etag: String?
        /// When the last round ended.
        var ended: Int64?
    }

    private let context: GitHubContext
    private let progress: GitHubProgress
    private var due: Int64 = 0

    init(_ context: GitHubContext, _ progress: GitHubProgress) {
        self.context = context
        self.progress = progress
    }

    func page(after cursor: PullCursor?) async throws -> PullPage {
        let moment = context.now().seconds
        let from = moment - context.settings.backfillDays * 86_400
        var state = try GitHubCursor.decode(cursor, Cursor(from: from, since: from, began: moment))
        guard state.next != nil || due <= moment else { return PullPage(cursor: cursor) }
        do {
            var page = PullPage(cursor: nil)
            let isFirst = state.next == nil
            let reply = try await context.client.get(
                state.next ?? address(since: state.since), etag: isFirst ? state.etag : nil,
                urgency: state.ended == nil ? .backfill : .live)
            due = moment + Self.lookSeconds
            guard !reply.isMissing else {
                due = moment + Self.missingSeconds
                let reason = "status \(reply.status): \(reply.message)"
                progress.set(.unavailable, note: reason)
                guard context.settings.areStreamsChosen else { return PullPage(cursor: cursor) }
                throw PullError(.denied, "the audit log cannot be read: \(reason)")
            }
            if let ended = state.ended, isFirst, moment - ended > Self.gitRetentionSeconds {
                page.gaps.append(
                    PullGap(
                        place: "/orgs/\(context.settings.organization)/audit-log",
                        reason:
                            "nothing was read since \(Timestamp(seconds: ended).text), and git events are kept for 7 days"
                    ))
            }
            if !reply.isUnchanged {
                try read(reply, &state, &page, moment)
            } else {
                state.ended = moment
            }
            page.cursor = try GitHubCursor.encode(state)
            page.hasMore = state.next != nil
            let span = Double(max(state.began - state.from, 1))
            progress.set(state.ended == nil ? .backfilling : .following)
            progress.note(
                backfilled: state.ended == nil ? Double((state.top ?? state.from) - state.from) / span : 1,
                reached: state.from)
            return page
        } catch let pause as GitHubPause {
            progress.wait(until: pause.until)
            return PullPage(cursor: cursor)
        }
    }

    private func read(_ reply: GitHubReply, _ state: inout Cursor, _ page: inout PullPage, _ moment: Int64) throws {
        let list = try GitHubList(reply)
        let times = try list.map { value in
            (value["@timestamp"]?.int64 ?? value["created_at"]?.int64).map { $0 / 1_000 }
        }
        if let latest = times.compactMap(\.self).max() { state.top = max(state.top ?? .min, latest) }
        if !list.items.isEmpty {
            let frames = list.items.indices.map { DeliveryFrame(range: list.items[$0], part: list.part($0)) }
            page.delivery = Delivery(
                method: "PULL", headers: DeliveryHeaders(), body: list.body, received: context.now(), frames: frames)
        }
        if let next = reply.next, next != state.next, !list.items.isEmpty {
            state.next = next
            state.etag = nil
            return
        }
        let isOnePage = state.next == nil
        let since = max(state.since, (state.top ?? state.since) - Self.overlapSeconds)
        state.etag = isOnePage && since == state.since ? reply.etag : nil
        state.since = since
        state.next = nil
        state.ended = moment
    }

    private func address(since: Int64) -> String {
        let phrase =
            "created:>=\(Timestamp(seconds: since).text)"
            .addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        return
            "/orgs/\(context.settings.organization)/audit-log?include=all&order=asc&per_page=\(GitHubLimits.pageSize)&phrase=\(phrase)"
    }
}
