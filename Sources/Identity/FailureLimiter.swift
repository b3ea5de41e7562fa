package import EventModel

/// Counts wrong credentials per client and says when a client has to wait.
///
/// Pure: the caller names the client (its address; for IPv6 the /64 network, since one host owns that many addresses) and
/// the moment. Only failures count, so that a busy client with a good token never waits, and a guesser behind the same
/// address does not lock it out for longer than a window.
package struct FailureLimiter: Sendable {
    /// A person who pastes the wrong token a few times stays below; at 256 bits a guesser gets nowhere anyway, so this
    /// protects the log and the CPU.
    package static let defaultFailuresPerWindow = 20
    package static let windowSeconds: Int64 = 60
    /// Clients remembered at once. Beyond it those with the fewest failures are forgotten: a flood from many addresses costs bounded
    /// memory, at the price that some of them are not slowed down.
    package static let defaultClients = 10_000

    private struct Window {
        var start: Int64
        var failures: Int
    }

    private let failuresPerWindow: Int
    private let maximumClients: Int
    private var windows: [String: Window] = [:]

    package init(
        failuresPerWindow: Int = defaultFailuresPerWindow, maximumClients: Int = defaultClients
    ) {
        precondition(failuresPerWindow > 0 && maximumClients > 0)
        self.failuresPerWindow = failuresPerWindow
        self.maximumClients = maximumClients
    }

    /// How many clients are remembered.
    package var count: Int { windows.count }

    /// The seconds that a client has to wait before its next attempt is looked at (HTTP 429, `Retry-After`); nil when it
    /// need not. Ask before authenticating.
    package func retryAfter(client: String, now: Timestamp) -> Int64? {
        guard let window = windows[client], window.failures >= failuresPerWindow else { return nil }
        let elapsed = now.seconds - window.start
        // A clock that was set back must not lock anybody out for long.
        guard (0..<Self.windowSeconds).contains(elapsed) else { return nil }
        return Self.windowSeconds - elapsed
    }

    /// Counts a wrong credential.
    package mutating func recordFailure(client: String, now: Timestamp) {
        let seconds = now.seconds
        if var window = windows[client], (0..<Self.windowSeconds).contains(seconds - window.start) {
            window.failures += 1
            windows[client] = window
            return
        }
        if windows.count >= maximumClients, windows[client] == nil { makeRoom(now: seconds) }
        windows[client] = Window(start: seconds, failures: 1)
    }

    /// Drops the windows that are over; when all are current, the half with the fewest failures, so that the cost of a sweep is spread over
    /// many failures.
    private mutating func makeRoom(now: Int64) {
        windows = windows.filter { (0..<Self.windowSeconds).contains(now - $0.value.start) }
        guard windows.count >= maximumClients else { return }
        let kept = windows.sorted { ($0.value.failures, $0.value.start) > ($1.value.failures, $1.value.start) }
            .prefix(maximumClients / 2)
        windows = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
    }
}
