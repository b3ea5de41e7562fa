import Synchronization

/// Lets so many searches run at once; the others wait in the order in which they came.
final class SearchQueue: Sendable {
    private struct State {
        var running = 0
        var waiting: [(ticket: UInt64, turn: CheckedContinuation<Void, any Error>)] = []
        var nextTicket: UInt64 = 0
    }

    private enum Entry {
        case runs
        case waits
        case refused(any Error)
    }

    private let running: Int
    private let waiting: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - running: how many run at once.
    ///   - waiting: how many wait at most.
    init(running: Int, waiting: Int) {
        self.running = running
        self.waiting = waiting
    }

    /// How many run and how many wait at this moment.
    var load: (running: Int, waiting: Int) { state.withLock { ($0.running, $0.waiting.count) } }

    /// Runs a search when it is its turn.
    ///
    /// - Throws: ``EventStoreError`` (`tooManySearches`) when too many wait already, `CancellationError` when the task was
    ///   cancelled while it waited, and what `body` throws.
    func run<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await enter()
        defer { leave() }
        return try await body()
    }

    private func enter() async throws {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { turn in
                let entry = state.withLock { state -> Entry in
                    // A cancellation before this was seen by nobody; one after it finds the ticket below.
                    if Task.isCancelled { return .refused(CancellationError()) }
                    if state.running < running {
                        state.running += 1
                        return .runs
                    }
                    guard state.waiting.count < waiting else { return .refused(Self.refusal) }
                    state.waiting.append((ticket, turn))
                    return .waits
                }
                switch entry {
                case .runs: turn.resume()
                case .waits: break
                case .refused(let error): turn.resume(throwing: error)
                }
            }
        } onCancel: {
            let turn = state.withLock { state in
                state.waiting.firstIndex { $0.ticket == ticket }.map { state.waiting.remove(at: $0).turn }
            }
            turn?.resume(throwing: CancellationError())
        }
    }

    /// Hands the place to whoever has waited longest.
    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard !state.waiting.isEmpty else {
                state.running -= 1
                return nil
            }
            return state.waiting.removeFirst().turn
        }
        next?.resume()
    }

    private static let refusal = EventStoreError(
        .tooManySearches, "too many searches wait already; try again in a moment")
}
