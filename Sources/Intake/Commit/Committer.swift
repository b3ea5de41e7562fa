package import EventModel
import Foundation
package import Journal
import Synchronization

/// What became of one event of a delivery.
package enum CommitOutcome: Equatable, Sendable {
    case accepted(LeafIndex)
    /// It has a leaf already; its bytes were the same.
    case duplicate(LeafIndex)
}

/// The single writer: gives events their indexes, makes them durable, answers, and hands them to the views.
///
/// One thread, so that there is one order (invariant 2). It takes whatever waits (up to a bound), drops duplicates, appends
/// everything to the journal with one `fdatasync` (group commit), and only then answers (invariant 1). While it waits for the
/// disk, the next group gathers: the slower the disk, the larger the groups.
package final class Committer: Sendable {
    /// Called with an event whose delivery id was used before for other bytes, after it was kept.
    package typealias ConflictHandler = @Sendable (_ kept: LeafIndex, _ earlier: LeafIndex) -> Void

    private struct Request {
        let batch: PreparedBatch
        let admitted: Admitted?
        let beginsFile: Bool
        let continuation: CheckedContinuation<[CommitOutcome], any Error>
    }

    private struct State {
        var queue: [Request] = []
        var isRecyclingWanted = false
        var isStopping = false
        var isFinished = false
    }

    private let state = Condition<State>(State())
    private let limits: IntakeLimits
    private let table: Mutex<DeduplicationTable>
    private let views: [ViewRunner]
    private let onConflict: ConflictHandler
    private let onFailure: @Sendable (any Error) -> Void
    private let nextIndex: Atomic<UInt64>
    package let counters = IntakeCounters()

    /// Starts the thread. The journal belongs to it from here on.
    ///
    /// - Parameters:
    ///   - table: The delivery keys of what the journal and the segments hold.
    ///   - onFailure: Called when the journal can no longer be trusted (a failed `fdatasync`): the process has to end.
    package init(
        journal: sending JournalWriter, table: DeduplicationTable, views: [ViewRunner], limits: IntakeLimits,
        onConflict: @escaping ConflictHandler, onFailure: @escaping @Sendable (any Error) -> Void
    ) {
        self.limits = limits
        self.table = Mutex(table)
        self.views = views
        self.onConflict = onConflict
        self.onFailure = onFailure
        nextIndex = Atomic(journal.nextIndex)
        let box = JournalBox(journal)
        let thread = Thread { [self] in run(box.journal) }
        thread.name = "committer"
        thread.start()
    }

    /// The index that the next event will get.
    package var end: LeafIndex { LeafIndex(nextIndex.load(ordering: .acquiring)) }

    /// Commits a delivery and returns what became of each event, in order.
    ///
    /// When this returns, the accepted events survive power loss and have their final, neighbouring indexes.
    /// - Parameter beginsFile: The journal begins a new file with this group, so that everything before can be removed from
    ///   it: for destruction.
    /// - Throws: ``IntakeError`` `diskFull`, `diskFailed`, `stopping`; nothing of the delivery was kept then.
    package func commit(
        _ batch: PreparedBatch, admitted: Admitted?, beginsFile: Bool = false
    ) async throws -> [CommitOutcome] {
        guard !batch.items.isEmpty else { return [] }
        return try await withCheckedThrowingContinuation { continuation in
            let isStopping = state.withLock { state in
                if !state.isStopping {
                    state.queue.append(
                        Request(
                            batch: batch, admitted: admitted, beginsFile: beginsFile, continuation: continuation))
                }
                return state.isStopping
            }
            if isStopping { continuation.resume(throwing: IntakeError(.stopping, "the server is stopping")) }
        }
    }

    /// Lets the journal forget, soon, what every view has made durable, though nothing may be committed.
    package func recycle() { state.withLock { $0.isRecyclingWanted = true } }

    /// What the table knows of an event now. What counts is the look at commit; this is for the warning that is sealed with
    /// an event whose delivery id was used before.
    package func earlierUse(of key: DeliveryKey, payload: UInt64) -> DeduplicationTable.Match {
        table.withLock { $0.match(key, payload: payload) }
    }

    /// Forgets delivery keys of events below an index.
    package func forgetKeys(below index: LeafIndex) { table.withLock { $0.forget(below: index) } }

    package var keyCount: Int { table.withLock { $0.count } }

    /// Commits what waits and ends the thread. Blocks until then.
    package func stop() {
        state.withLock { $0.isStopping = true }
        state.wait { $0.isFinished ? () : nil }
    }

    // MARK: The thread

    private func run(_ journal: JournalWriter) {
        while let group = nextGroup() {
            do {
                if group.isEmpty { try recycle(journal) } else { try commit(group, to: journal) }
            } catch {
                onFailure(error)
                break
            }
        }
        let left = state.withLock { state -> [Request] in
            state.isStopping = true
            state.isFinished = true
            defer { state.queue = [] }
            return state.queue
        }
        for request in left { request.continuation.resume(throwing: IntakeError(.stopping, "the server is stopping")) }
    }

    /// Waits for work; nil when there is none left and there will be no more; empty when only recycling is wanted.
    private func nextGroup() -> [Request]? {
        state.wait { state -> [Request]?? in
            if state.queue.isEmpty, state.isRecyclingWanted, !state.isStopping {
                state.isRecyclingWanted = false
                return []
            }
            guard !state.queue.isEmpty else { return state.isStopping ? .some(nil) : nil }
            var events = 0
            var bytes = 0
            let taken = state.queue.prefix { request in
                defer {
                    events += request.batch.items.count
                    bytes += request.batch.page?.frameBytes ?? 0
                }
                guard events > 0 else { return true }
                return events + request.batch.items.count <= self.limits.eventsPerCommit
                    && bytes + (request.batch.page?.frameBytes ?? 0) <= JournalLimits.groupBytes
            }
            let group = Array(taken)
            state.queue.removeFirst(group.count)
            return group
        }
    }

    /// Commits a group and answers its senders.
    ///
    /// - Throws: Only what ends the process; the senders have their answer all the same.
    private func commit(_ group: [Request], to journal: JournalWriter) throws {
        var plan = table.withLock { table in
            GroupPlan(group.map(\.batch), startingAt: LeafIndex(journal.nextIndex), table: table)
        }
        let appended: JournalAppend
        do {
            appended = try journal.append(
                plan.pages(of: group.map(\.batch)), beginsFile: group.contains(where: \.beginsFile))
        } catch {
            counters.failedGroups.add(1, ordering: .relaxed)
            for request in group { request.continuation.resume(throwing: Self.answer(to: error)) }
            if let error = error as? JournalError, !error.isFatal { return }
            throw error
        }
        nextIndex.store(journal.nextIndex, ordering: .releasing)
        table.withLock { plan.remember(in: &$0) }
        for (request, outcomes) in zip(group, plan.outcomes) { request.continuation.resume(returning: outcomes) }
        counters.committed(plan)
        for conflict in plan.conflicts { onConflict(conflict.kept, conflict.earlier) }
        try publish(group, plan, seeds: appended.seeds)
        for request in group { if let page = request.batch.page { request.batch.memory?.give(page.compressed) } }
        try recycle(journal)
    }

    /// Lets the journal forget what every view has made durable.
    private func recycle(_ journal: JournalWriter) throws {
        let bound = views.map(\.durableCursor.rawValue).min() ?? 0
        guard bound > journal.reader.indexes.lowerBound else { return }
        try journal.recycle(before: bound)
    }

    /// Hands the committed events to the views, in order.
    private func publish(_ group: [Request], _ plan: GroupPlan, seeds: SeedTable) throws {
        for (position, request) in group.enumerated() {
            let kept = plan.keptItems(of: position, in: request.batch)
            guard let firstIndex = kept.firstIndex else { continue }
            let entries = try request.batch.bytes.withUnsafeBytes {
                try LeafEntries.make(
                    firstIndex: firstIndex, partition: request.batch.partition, bytes: $0,
                    ranges: kept.items.map(\.range), seeds: seeds)
            }
            let committed = CommittedBatch(
                firstIndex: firstIndex, partition: request.batch.partition, bytes: request.batch.bytes,
                items: kept.items, entries: entries, seeds: seeds,
                isFresh: true, admitted: request.admitted, memory: request.batch.memory)
            for view in views { view.enqueue(committed) }
        }
    }

    private static func answer(to error: any Error) -> IntakeError {
        switch (error as? JournalError)?.code {
        case .diskFull: IntakeError(.diskFull, "the disk is full")
        case .tooLarge: IntakeError(.tooLarge, "the delivery does not fit one commit; send it in parts")
        default: IntakeError(.diskFailed, "the journal could not be written")
        }
    }
}

/// Carries the journal to its thread.
///
/// `@unchecked Sendable` holds because the journal came in as `sending`, and is read once, by its owner thread.
private final class JournalBox: @unchecked Sendable {
    let journal: JournalWriter
    init(_ journal: JournalWriter) { self.journal = journal }
}
