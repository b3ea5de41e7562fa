import AccessControl
import Detection
import EventModel
import EventStore
import Synchronization

/// The known incidents of a server, and what is known of its exposure to them.
final class Exposure: Sendable {
    let pack: LiveIncidentPack
    let memory: ExposureMemory
    private let requests = Atomic<Int>(0)
    private let status = Mutex(Status())

    struct Status: Sendable {
        var checks = 0
        var failures = 0
        var isRunning = false
        var last: Timestamp?
        /// Incidents with each answer, at the last check.
        var counts: [ExposureReport.Answer: Int] = [:]
    }

    init(pack: LiveIncidentPack, memory: ExposureMemory) {
        self.pack = pack
        self.memory = memory
    }

    /// Asks for a check of everything: a source has brought what it had of former times. Costs nothing; many requests are one.
    func request() { requests.add(1, ordering: .relaxed) }

    /// How often a check was asked for since the start.
    var requested: Int { requests.load(ordering: .relaxed) }

    func note(_ change: (inout Status) -> Void) { status.withLock { change(&$0) } }

    /// A check with somebody's rights.
    func check(_ store: any EventSearching, for principal: Principal, now: @escaping @Sendable () -> Timestamp)
        -> ExposureCheck
    {
        ExposureCheck(pack: pack.current, store: store, principal: principal, now: now)
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
            .init(.gauge, "custody_exposure_running", "Whether a check runs now.", status.isRunning ? 1 : 0),
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
