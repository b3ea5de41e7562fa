internal import Synchronization

/// How publication stands, for whoever looks from another thread: whether checkpoints go out, what they wait for, since when.
package final class Publication: Sendable {
    /// What hinders the next checkpoint.
    package enum Hindrance: Hashable, Sendable {
        /// Too few witnesses have cosigned it yet.
        case quorum(missing: String)
        /// It must not be signed: the guard says that there would be a second history, or knows nothing.
        case refused(LedgerError)
    }

    private struct State {
        var isOpen = false
        var hindrance: Hindrance?
        var waitingSince: ContinuousClock.Instant?
    }

    private let state: Mutex<State>

    /// - Parameter isOpen: whether checkpoints may be signed at once, or only after ``open()``.
    package init(isOpen: Bool = false) {
        state = Mutex(State(isOpen: isOpen))
    }

    /// Lets checkpoints be signed: the ledger has all that the journal holds, so that one that is smaller than what was
    /// signed before is not one that still catches up.
    package func open() { state.withLock { $0.isOpen = true } }

    package var isOpen: Bool { state.withLock { $0.isOpen } }

    /// What hinders the next checkpoint; `nil` when nothing does.
    package var hindrance: Hindrance? { state.withLock { $0.hindrance } }

    /// Since when there have been leaves that no published checkpoint covers.
    package var waitingSince: ContinuousClock.Instant? { state.withLock { $0.waitingSince } }

    /// How long leaves have waited for a checkpoint.
    package func lag(at now: ContinuousClock.Instant) -> Duration {
        waitingSince.map { max(.zero, now - $0) } ?? .zero
    }

    /// Notes whether there are leaves without a checkpoint.
    package func note(hasNews: Bool, at now: ContinuousClock.Instant) {
        state.withLock { state in
            if hasNews { state.waitingSince = state.waitingSince ?? now } else { state.waitingSince = nil }
        }
    }

    /// Notes what hinders the next checkpoint.
    package func note(_ hindrance: Hindrance?) { state.withLock { $0.hindrance = hindrance } }
}
