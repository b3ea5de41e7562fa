import AccessControl
import EventModel
import Foundation
import HTTPTypes
import Intake
import Logging
import Synchronization

/// Puts what people do with Custody on record, as events of the source `custody`.
///
/// Reads are queued and durable within ``flushMilliseconds`` and a commit; when the queue cannot take them, the read itself has to
/// fail. Exports, payload reads and changes wait until their entry is durable.
final class AuditTrail: Sendable {
    /// A queued entry waits at most this long for company. Invariant 8 allows 250 ms to durability, the commit included.
    static let flushMilliseconds = 100
    /// Entries queued at most: far beyond what one flush interval can bring; reached only when nothing can be committed.
    static let queueLimit = 10_000
    /// Acts of which one entry a session and minute is enough.
    static let repeatSeconds: Int64 = 60

    private struct State {
        var queue: [AuditEntry] = []
        var lastRepeated: [String: Timestamp] = [:]
        var isStopping = false
    }

    private let state = Mutex(State())
    private let commit: @Sendable ([AuditEntry]) async throws -> Void
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    /// - Parameter commit: Makes entries durable as events.
    init(
        now: @escaping @Sendable () -> Timestamp, logger: Logger,
        commit: @escaping @Sendable ([AuditEntry]) async throws -> Void
    ) {
        self.now = now
        self.logger = logger
        self.commit = commit
    }

    /// Queues an entry for a read.
    ///
    /// - Throws: ``Problem`` 503 when the queue is full: what cannot be put on record must not happen.
    func record(_ entry: AuditEntry) throws {
        let isQueued = state.withLock { state in
            guard !state.isStopping, state.queue.count < Self.queueLimit else { return false }
            state.queue.append(entry)
            return true
        }
        guard isQueued else {
            throw Problem(.serviceUnavailable, "audit_unavailable", "this cannot be put on record now")
        }
    }

    /// Queues an entry unless one for the same session and act was queued within the last minute: for live tail and
    /// completion, which would drown everything else.
    func recordRepeated(_ entry: AuditEntry) throws {
        let key = (entry.actorID ?? "") + "\0" + entry.action
        let moment = now()
        let isRepeated = state.withLock { state in
            if let last = state.lastRepeated[key], moment.seconds - last.seconds < Self.repeatSeconds { return true }
            state.lastRepeated = state.lastRepeated.filter { moment.seconds - $0.value.seconds < Self.repeatSeconds }
            state.lastRepeated[key] = moment
            return false
        }
        if !isRepeated { try record(entry) }
    }

    /// Returns when the entry is durable.
    func recordDurably(_ entry: AuditEntry) async throws {
        do {
            try await commit([entry])
        } catch {
            logger.error("audit entry was not kept", metadata: ["error": "\(error)"])
            throw Problem(.serviceUnavailable, "audit_unavailable", "this cannot be put on record now")
        }
    }

    /// Commits queued entries until the task is cancelled, and then what is left.
    func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(Self.flushMilliseconds))
            await flush()
        }
    }

    /// Commits what is queued. Entries that could not be committed stay queued.
    func flush() async {
        let entries = state.withLock { state in
            defer { state.queue = [] }
            return state.queue
        }
        guard !entries.isEmpty else { return }
        do {
            try await commit(entries)
        } catch {
            logger.error("audit entries were not kept; will try again", metadata: ["entries": "\(entries.count)"])
            state.withLock { $0.queue.insert(contentsOf: entries, at: 0) }
        }
    }

    /// Refuses further entries and commits what is queued.
    func stop() async {
        state.withLock { $0.isStopping = true }
        await flush()
    }
}
