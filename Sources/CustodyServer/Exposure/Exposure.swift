import AccessControl
import Detection
import EventModel
import EventStore
import Synchronization

/// The known incidents of a server, and what is known of its exposure to them.
final class Exposure: Sendable {
    /// Why somebody asks for a check.
    enum Reason: String, Sendable {
        /// A source has brought what it had of former times.
        case backfill
        /// A person wants to know now.
        case asked
    }

    let pack: LiveIncidentPack
    let memory: ExposureMemory
    private let requests = Mutex((count: 0, reason: Reason.backfill))
    private let status = Mutex(Status())

    struct Status: Sendable {
        var checks = 0
        var failures = 0
        /// How far the check that runs now has come; nil when none does.
        var progress: Progress?
        var last: Timestamp?
        /// Requests that a check was begun for.
        var begun = 0
        /// What the last check found, as far as it is shown; nil before the first since the start.
        var report: ExposureReport?
        /// Why the last check did not come to an end; nil when it did.
        var failure: String?
        /// Incidents with each answer, at the last check.
        var counts: [ExposureReport.Answer: Int] = [:]
    }

    /// Incidents of a check that are answered.
    struct Progress: Sendable {
        var answered: Int
        var total: Int
        /// Those of which the answer is yes.
        var found: Int
    }

    init(pack: LiveIncidentPack, memory: ExposureMemory) {
        self.pack = pack
        self.memory = memory
    }

    /// Asks for a check of everything. Costs nothing; many requests are one.
    func request(_ reason: Reason = .backfill) {
        requests.withLock {
            $0.count += 1
            $0.reason = reason
        }
    }

    /// How often a check was asked for since the start, and why the last time.
    var requested: (count: Int, reason: Reason) { requests.withLock { $0 } }

    /// How things stand, as one moment has it.
    var current: Status { status.withLock { $0 } }

    /// Whether a check runs, or begins within a second.
    var isDue: Bool {
        let status = current
        return status.progress != nil || requested.count > status.begun
    }

    func note(_ change: (inout Status) -> Void) { status.withLock { change(&$0) } }

    /// A check with somebody's rights.
    ///
    /// - Parameter isInBackground: Whether nobody waits for it.
    func check(
        _ store: any EventSearching, for principal: Principal, now: @escaping @Sendable () -> Timestamp,
        isInBackground: Bool = false
    ) -> ExposureCheck {
        ExposureCheck(
            pack: pack.current, store: store, principal: principal, now: now, isInBackground: isInBackground)
    }

    var samples: [ServerMetrics.Sample] {
        let status = status.withLock { $0 }
        let pack = pack.current
        return [
            .init(
                .gauge, "custody_exposure_incidents", "Known incidents that are looked for.",
                Double(pack.incidents.count)),
            .init(
                .gauge, "custody_exposure_pack_errors", "Files of incidents that were left out.",
                Double(pack.errors.count)),
            .init(
                .counter, "custody_exposure_checks_total", "Checks of the known incidents that came to an end.",
                Double(status.checks)),
            .init(
                .counter, "custody_exposure_failures_total", "Checks that did not come to an end.",
                Double(status.failures)),
            .init(.gauge, "custody_exposure_running", "Whether a check runs now.", status.progress == nil ? 0 : 1),
            .init(
                .gauge, "custody_exposure_yes", "Known incidents that the events show, at the last check.",
                Double(status.counts[.yes] ?? 0)),
            .init(
                .gauge, "custody_exposure_cannot_tell",
                "Known incidents that the events cannot decide, at the last check.",
                Double(status.counts[.cannotTell] ?? 0)),
            .init(
                .gauge, "custody_exposure_last_timestamp_seconds", "When the last check ended.",
                Double(status.last?.seconds ?? 0)),
        ]
    }
}
