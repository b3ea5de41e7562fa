import AccessControl
import Detection
import EventModel
import EventStore
import Intake
import Logging

/// Checks the known incidents by itself: at the start, when the pack changed, when a source has brought what it had of former times,
/// and every quarter of an hour in which events came. One check at a time, of some dozens of searches; it ends with its task.
struct ExposureWatch: Sendable {
    /// Seconds until a check begins that was asked for.
    static let wakeSeconds: Int64 = 1
    /// Times to wake until there is a look at what there is to do, though nobody asked.
    static let wakesPerLook = 5
    /// Seconds from one check to the next when nothing but new events asks for it.
    static let newsSeconds: Int64 = 900

    /// What a look decides by.
    struct Memory: Sendable {
        var requested = 0
        /// When the last check began, by the server's clock; nil before the first.
        var began: Timestamp?
    }

    let state: ServerState
    let sleep: @Sendable (Duration) async throws -> Void

    init(
        _ state: ServerState,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.state = state
        self.sleep = sleep
    }

    /// Runs until the task is cancelled.
    func run() async {
        var memory = Memory()
        var wakes = 0
        while !Task.isCancelled {
            do {
                try await sleep(.seconds(Self.wakeSeconds))
            } catch {
                return
            }
            wakes += 1
            guard wakes % Self.wakesPerLook == 0 || state.exposure.requested.count > memory.requested else { continue }
            await look(&memory)
        }
    }

    /// One look, and a check when something asks for it. A check that failed is made again after the usual time.
    func look(_ memory: inout Memory) async {
        state.exposure.pack.reloadIfChanged()
        do {
            guard let reason = try await reason(memory) else { return }
            memory.requested = state.exposure.requested.count
            memory.began = state.now()
            state.exposure.note { $0.begun = memory.requested }
            try await check(because: reason)
        } catch is CancellationError {
            return
        } catch {
            memory.began = state.now()
            state.exposure.note { status in
                status.failures += 1
                status.failure = Self.words(error)
            }
            state.logger.error(
                "the known incidents could not be checked; this is tried again", metadata: ["error": "\(error)"])
        }
    }

    /// For people, who learn nothing of the server's insides by it.
    private static func words(_ error: any Error) -> String {
        switch error {
        case let error as EventStoreError: error.reason
        case let error as Problem: error.detail
        default: "the server's log says why"
        }
    }

    /// Why a check is due; nil when none is.
    private func reason(_ memory: Memory) async throws -> String? {
        let requested = state.exposure.requested
        let isRested = memory.began.map { state.now().seconds - $0.seconds >= Self.newsSeconds } ?? true
        let last = try await state.exposure.memory.last()
        // A person who asks does not wait until a check that failed is tried again by itself.
        if requested.count > memory.requested, requested.reason == .asked { return requested.reason.rawValue }
        guard let last else { return isRested ? "first" : nil }
        if last.pack != state.exposure.pack.current.digest { return isRested || memory.began == nil ? "pack" : nil }
        if requested.count > memory.requested { return requested.reason.rawValue }
        guard isRested, state.intake.committer.end.rawValue > last.next else { return nil }
        return try await hasNews(from: last.next) ? "events" : nil
    }

    /// Whether events of others than Custody itself came: a search finds its own records only when it asks for them.
    private func hasNews(from next: UInt64) async throws -> Bool {
        let result = try await state.exposure.check(state.store, for: .system, now: state.now).search(
            "index:>=\(next)", since: Timestamp(nanoseconds: 0), until: nil, state.now(), SearchOptions(limit: 1))
        return !result.events.isEmpty
    }

    /// Checks everything, tells what is new, and keeps what was found.
    func check(because reason: String) async throws {
        let exposure = state.exposure
        exposure.note { $0.progress = .init(answered: 0, total: exposure.pack.current.incidents.count, found: 0) }
        defer { exposure.note { $0.progress = nil } }
        let next = state.intake.committer.end.rawValue
        let own = exposure.check(state.store, for: .system, now: state.now, isInBackground: true)
        let report = try await own.run { report, total in
            exposure.note {
                $0.progress = .init(answered: report.entries.count, total: total, found: report.count(.yes))
            }
        }
        try Task.checkCancellation()
        try await tell(report)
        try await state.audit.recordDurably(
            AuditEntry(
                "exposure.check", activity: "read", actor: .system, resource: ("incidents", nil),
                details: [
                    ("because", reason), ("pack_sha256", report.packDigest),
                    ("incidents", String(report.entries.count)),
                    ("yes", String(report.count(.yes))), ("no", String(report.count(.no))),
                    ("cannot_tell", String(report.count(.cannotTell))),
                ]))
        try await state.exposure.memory.finish(pack: report.packDigest, next: next, now: state.now())
        let counts = Dictionary(grouping: report.entries, by: \.answer).mapValues(\.count)
        let now = state.now()
        state.exposure.note { status in
            status.checks += 1
            status.last = now
            status.counts = counts
            status.report = report.shortened
            status.failure = nil
        }
    }

    /// Puts each incident on record whose answer has become yes, for which the rule pack has an alert, and keeps the answers.
    private func tell(_ report: ExposureReport) async throws {
        let known = try await state.exposure.memory.answers()
        for entry in report.entries where known[entry.incident.id] != entry.answer.rawValue {
            if entry.answer == .yes {
                let proofs = entry.evidence.filter { $0.weight == .proof }.map { String($0.index) }
                try await state.audit.recordDurably(
                    AuditEntry(
                        "exposure.found", activity: "other", outcome: "failure", reason: entry.reason, actor: .system,
                        resource: ("incident", entry.incident.id),
                        details: [
                            ("title", entry.incident.title), ("events", proofs.joined(separator: " ")),
                            ("from", entry.incident.exposure.from.text), ("until", entry.incident.exposure.until.text),
                            ("pack_sha256", report.packDigest),
                        ]))
                state.logger.critical(
                    "the events show a known incident",
                    metadata: ["incident": "\(entry.incident.id)", "reason": "\(entry.reason)"])
            }
            try await state.exposure.memory.keep(entry.answer.rawValue, of: entry.incident.id, now: state.now())
        }
    }
}
