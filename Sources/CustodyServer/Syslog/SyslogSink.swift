import Connectors
import EventModel
import Identity
import Intake
import Logging
import Synchronization

/// Hands syslog messages to intake, as the source that their peer stands for.
struct SyslogSink: Sendable {
    let state: ServerState
    let counters: SyslogCounters

    private var requests: DeliveryRequests { DeliveryRequests(state: state) }

    /// Commits messages. A full intake is waited for, with which the sender waits, too; there is nobody to be told to try again.
    ///
    /// - Throws: When the server stops or the disk fails; the messages are not kept then.
    func take(_ frames: [SyslogFrame], as name: String?, isAuthenticated: Bool) async throws {
        guard let name, let source = state.sources.source(named: name), source.isEnabled else {
            counters.refused.add(frames.count, ordering: .relaxed)
            return
        }
        counters.cut.add(frames.count(where: \.isCut), ordering: .relaxed)
        let delivery = SyslogDelivery.make(frames, received: state.now())
        let from = try requests.deliverySource(source, verified: isAuthenticated ? .mtls : .none)
        while true {
            do {
                _ = try await requests.submit(delivery, from: from, deliveryID: nil)
                counters.messages.add(frames.count, ordering: .relaxed)
                return
            } catch let error as IntakeError where error.code == .overloaded || error.code == .diskFull {
                counters.waits.add(1, ordering: .relaxed)
                try await Task.sleep(for: .seconds(SyslogLimits.retrySeconds))
            }
        }
    }
}
