import Synchronization

/// Lets a few servers run at once, first come first served.
///
/// The tests' library begins all tests together. Two hundred servers on two cores, each with its threads and files, take what a
/// process may open, and what is to happen within a minute takes ten.
final class ServerGate: Sendable {
    /// Of all tests of the process. A server mostly waits for its quarter of a second, so that there can be more than cores.
    static let shared = ServerGate(places: 12)

    /// Whether this task is one of those inside: a test that runs one server beside another must not wait for itself.
    @TaskLocal private static var isInside = false

    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(places: Int) { state = Mutex(State(free: places)) }

    func run(_ body: () async throws -> Void) async throws {
        guard !Self.isInside else { return try await body() }
        await enter()
        defer { leave() }
        try await Self.$isInside.withValue(true) { try await body() }
    }

    private func enter() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
