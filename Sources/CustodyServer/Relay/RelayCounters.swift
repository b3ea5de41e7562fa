import Synchronization

/// What a relay has done since its start. The server is told with each drain and shows it among its own metrics: a relay has no
/// credential but its key, so none to show metrics for.
final class RelayCounters: Sendable {
    /// Why a delivery was not taken.
    enum Refusal: String, Sendable, CaseIterable {
        case unpaired, unknown, flood, large, memory, full, broken, denied
    }

    private struct State {
        var accepted = 0
        var answered = 0
        var refused: [Refusal: Int] = [:]
    }

    private let state = Mutex(State())

    func accept() { state.withLock { $0.accepted += 1 } }
    func answer() { state.withLock { $0.answered += 1 } }
    func refuse(_ refusal: Refusal) { state.withLock { $0.refused[refusal, default: 0] += 1 } }

    var accepted: Int { state.withLock { $0.accepted } }
    var refused: [String: Int] {
        state.withLock { state in
            Dictionary(uniqueKeysWithValues: state.refused.map { ($0.key.rawValue, $0.value) })
        }
    }
}
