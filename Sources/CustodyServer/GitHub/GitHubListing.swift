import Connectors
import EventModel
import Foundation
import Intake

/// Reads workflow runs, their jobs, or deployments and their statuses, of every repository of an organization.
///
/// The lists are ordered by creation, newest first, and what is in them changes until it is finished. So each pass begins at the
/// newest and goes back to the earliest that was unfinished at the last one; what it meets again is a duplicate. What happened
/// before the connection is read behind that, from the newest backwards, and only with requests that nothing new needs.
///
/// A run that is started again is seen when it is not older than the earliest unfinished one; deliveries tell of the others.
actor GitHubListing: PullAdapter {
    typealias Cursor = GitHubListingCursor
    typealias Repository = GitHubListingCursor.Repository

    enum Work { case pass, part(Cursor.Item), backfill }

    private let kind: GitHubListingKind
    private let context: GitHubContext
    private let progress: GitHubProgress
    /// When a repository is looked at next, and how often it was looked at in vain.
    private var due: [String: (moment: Int64, quiet: Int)] = [:]
    /// Repositories that failed, until when they are left alone, so that one holds up no other.
    private var resting: [String: Int64] = [:]

    init(_ kind: GitHubListingKind, _ context: GitHubContext, _ progress: GitHubProgress) {
        self.kind = kind
        self.context = context
        self.progress = progress
    }

    func page(after cursor: PullCursor?) async throws -> PullPage {
        var state = try GitHubCursor.decode(cursor, Cursor())
        let moment = context.now().seconds
        do {
            let names = try await context.repositories.list()
            adopt(names, &state, moment)
            guard let (name, work) = nextWork(names, state, moment), var repository = state.repositories[name] else {
                report(names, state)
                return PullPage(cursor: try GitHubCursor.encode(state))
            }
            let delivery = try await attempt(work, name, &repository, moment)
            state.repositories[name] = repository
            report(names, state)
            return PullPage(
                delivery: delivery, cursor: try GitHubCursor.encode(state),
                hasMore: nextWork(names, state, moment) != nil)
        } catch let pause as GitHubPause {
            progress.wait(until: pause.until)
            return PullPage(cursor: cursor)
        }
    }

    private func attempt(
        _ work: Work, _ name: String, _ repository: inout Repository, _ moment: Int64
    ) async throws -> Delivery? {
        do {
            switch work {
            case .pass: return try await pass(name, &repository, moment)
            case .part(let item): return try await part(item, name, &repository, moment)
            case .backfill: return try await backfill(name, &repository, moment)
            }
        } catch let error as PullError where error.code == .malformed || error.code == .unavailable {
            resting[name] = moment + GitHubListingKind.restSeconds
            throw error
        }
    }

    // MARK: What comes next

    private func adopt(_ names: [String], _ state: inout Cursor, _ moment: Int64) {
        let known = Set(names)
        state.repositories = state.repositories.filter { known.contains($0.key) }
        for name in names where state.repositories[name] == nil {
            var made = Repository(floor: moment - GitHubListingKind.overlapSeconds)
            let days = context.settings.backfillDays
            if days > 0 { made.backfill = .init(from: moment - days * 86_400, began: moment, until: moment) }
            state.repositories[name] = made
        }
    }

    /// What is new goes before what is old.
    private func nextWork(_ names: [String], _ state: Cursor, _ moment: Int64) -> (String, Work)? {
        let awake = names.filter { resting[$0] ?? 0 <= moment }
        for name in awake {
            guard let repository = state.repositories[name] else { continue }
            if let item = repository.wanted.first(where: { !$0.isOld }) { return (name, .part(item)) }
            if let item = repository.open.first(where: { GitHubListingKind.isDue($0, moment) }) {
                return (name, .part(item))
            }
            if repository.next != nil || due[name]?.moment ?? 0 <= moment { return (name, .pass) }
        }
        for name in awake {
            guard let repository = state.repositories[name] else { continue }
            if let item = repository.wanted.first { return (name, .part(item)) }
            if repository.backfill != nil { return (name, .backfill) }
        }
        return nil
    }

    private func noteLook(_ name: String, changed: Bool, _ moment: Int64) {
        let quiet = changed ? 0 : min((due[name]?.quiet ?? -1) + 1, GitHubListingKind.maximumQuiet)
        due[name] = (moment + GitHubListingKind.lookSeconds << Int64(quiet), quiet)
    }

    // MARK: One request each

    private func pass(_ name: String, _ repository: inout Repository, _ moment: Int64) async throws -> Delivery? {
        let isFirst = repository.next == nil
        let reply = try await context.client.get(
            repository.next ?? kind.list(name), etag: isFirst ? repository.etag : nil)
        guard !reply.isUnchanged else {
            noteLook(name, changed: false, moment)
            return nil
        }
        guard !skips(name, reply, moment) else { return nil }
        let list = try GitHubList(reply, member: kind.member)
        let objects = try list.map(kind.object)
        for case let object? in objects {
            repository.top = max(repository.top ?? .min, object.created)
            if !object.isFinal, kind != .deployments { repository.low = min(repository.low ?? .max, object.created) }
            if object.created >= repository.floor { want(object, isOld: false, &repository) }
        }
        let floor = repository.floor
        let oldest = objects.compactMap { $0?.created }.min() ?? .min
        repository.pages += 1
        if let next = reply.next, oldest >= floor, repository.pages < GitHubListingKind.maximumPages {
            repository.next = next
        } else {
            finishPass(&repository, etag: repository.pages == 1 ? reply.etag : nil, moment)
            noteLook(name, changed: true, moment)
        }
        guard kind != .jobs else { return nil }
        return delivery(list, moment) { number in (objects[number]?.created ?? .max) >= floor }
    }

    private func finishPass(_ repository: inout Repository, etag: String?, _ moment: Int64) {
        if let top = repository.top {
            let floor = min(repository.low ?? .max, top - GitHubListingKind.overlapSeconds)
            repository.floor = max(floor, moment - GitHubListingKind.longestRunSeconds)
        }
        repository.settle(since: repository.floor)
        repository.etag = etag
        repository.next = nil
        repository.pages = 0
        repository.top = nil
        repository.low = nil
    }

    private func backfill(_ name: String, _ repository: inout Repository, _ moment: Int64) async throws -> Delivery? {
        guard var backfill = repository.backfill else { return nil }
        let reply = try await context.client.get(
            backfill.next ?? kind.window(name, from: backfill.from, until: backfill.until), urgency: .backfill)
        guard !skips(name, reply, moment) else { return nil }
        let list = try GitHubList(reply, member: kind.member)
        let objects = try list.map(kind.object)
        let from = backfill.from
        for case let object? in objects where object.created >= from {
            // What was not finished yet is the pass's from here on.
            if !object.isFinal, kind != .deployments { repository.floor = min(repository.floor, object.created) }
            want(object, isOld: true, &repository)
        }
        let oldest = objects.compactMap { $0?.created }.min()
        backfill.oldest = min(oldest ?? .max, backfill.oldest ?? .max)
        backfill.pages += 1
        repository.backfill = kind.goOn(backfill, oldest: oldest, next: reply.next)
        guard kind != .jobs else { return nil }
        return delivery(list, moment) { number in (objects[number]?.created ?? .max) >= from }
    }

    /// The parts of one thing.
    private func part(
        _ item: Cursor.Item, _ name: String, _ repository: inout Repository, _ moment: Int64
    ) async throws -> Delivery? {
        let reply = try await context.client.get(
            item.next ?? kind.parts(name, item), urgency: item.isOld ? .backfill : .live)
        var changed = item
        changed.checked = moment
        changed.next = nil
        guard !reply.isMissing else {
            repository.replace(item, by: nil)
            return nil
        }
        let list = try GitHubList(reply, member: kind == .jobs ? "jobs" : nil)
        let isSettled = try kind.isSettled(item, list, moment)
        if let next = reply.next, next != item.next {
            changed.next = next
            repository.replace(item, by: changed)
        } else {
            repository.replace(item, by: isSettled ? nil : changed)
        }
        return delivery(list, moment) { _ in true }
    }

    private func want(_ object: GitHubListingKind.Object, isOld: Bool, _ repository: inout Repository) {
        let item = Cursor.Item(id: object.id, attempt: object.attempt, created: object.created, isOld: isOld)
        guard kind != .runs, object.isFinal || kind == .deployments, repository.settled[item.key] == nil,
            !repository.wanted.contains(where: { $0.key == item.key }),
            !repository.open.contains(where: { $0.key == item.key })
        else { return }
        if kind == .deployments, !isOld { repository.open.append(item) } else { repository.wanted.append(item) }
    }

    /// A repository that does not have this, or does not show it, is left alone for a while.
    private func skips(_ name: String, _ reply: GitHubReply, _ moment: Int64) -> Bool {
        progress.skip(name, reply.isMissing ? "status \(reply.status): \(reply.message)" : nil)
        guard reply.isMissing else { return false }
        resting[name] = moment + GitHubListingKind.missingSeconds
        return true
    }

    private func delivery(_ list: GitHubList, _ moment: Int64, where isWanted: (Int) -> Bool) -> Delivery? {
        let frames = list.items.indices.filter(isWanted).map {
            DeliveryFrame(range: list.items[$0], part: list.part($0))
        }
        guard !frames.isEmpty else { return nil }
        return Delivery(
            method: "PULL", headers: DeliveryHeaders(), body: list.body, received: context.now(), frames: frames)
    }

    // MARK: Progress

    private func report(_ names: [String], _ state: Cursor) {
        let moment = context.now().seconds
        let asleep = names.filter { resting[$0] ?? 0 > moment }
        let backfills = names.filter { !asleep.contains($0) }.map { state.repositories[$0]?.backfill }
        let days = context.settings.backfillDays
        let fractions = backfills.map { backfill -> Double in
            guard let backfill, backfill.began > backfill.from else { return 1 }
            return Double(backfill.began - (backfill.oldest ?? backfill.began)) / Double(backfill.began - backfill.from)
        }
        let isBusy =
            backfills.contains { $0 != nil }
            || state.repositories.values.contains { $0.wanted.contains(where: \.isOld) }
        progress.set(isBusy ? .backfilling : .following)
        guard days > 0 else { return }
        // The last part of the way are the parts of what was listed.
        let fraction = fractions.isEmpty ? 1 : fractions.reduce(0, +) / Double(fractions.count)
        progress.note(
            backfilled: isBusy ? min(fraction, 0.99) : 1, reached: backfills.compactMap { $0?.oldest }.max())
    }
}
