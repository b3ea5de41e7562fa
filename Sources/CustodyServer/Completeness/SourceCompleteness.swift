import EventModel
import Foundation
import GRDB
import Intake
import Synchronization

/// What is expected of each source and what is known of how complete it is: for the view that follows the ledger, which keeps it
/// here, and for routes, pages and metrics.
final class SourceCompleteness: Sendable {
    typealias Expected = CompletenessTracker.Expected

    /// What became of what a source sent besides events in the ledger.
    struct Refusals: Sendable, Equatable {
        /// Events that were answered with an original.
        var duplicates: Int64 = 0
        /// Entries that were refused and are in the quarantine.
        var rejected: Int64 = 0
        /// Deliveries that could not be read or did not prove where they are from.
        var refused: Int64 = 0

        static func + (left: Refusals, right: Refusals) -> Refusals {
            Refusals(
                duplicates: left.duplicates + right.duplicates, rejected: left.rejected + right.rejected,
                refused: left.refused + right.refused)
        }
    }

    private struct State {
        var expected: [String: Expected] = [:]
        var figures: [String: SourceTally] = [:]
        var refusals: [String: Refusals] = [:]
        /// Whose refusals have changed since they were kept.
        var unkept: Set<String> = []
    }

    let database: any DatabaseWriter
    private let state: Mutex<State>
    /// Whether findings may wait to be told; true at the start, when those of the run before may.
    private let findingsWait = Atomic<Bool>(true)

    init(database: any DatabaseWriter) throws {
        self.database = database
        state = Mutex(State())
        let (expected, figures, refusals) = try database.read { database in
            (
                try Self.expected(in: database), try Self.figures(in: database), try Self.refusals(in: database)
            )
        }
        state.withLock { $0 = State(expected: expected, figures: figures, refusals: refusals) }
    }

    // MARK: What is expected

    func expected(of source: String) -> Expected? { state.withLock { $0.expected[source] } }

    /// All that is expected.
    var expected: [String: Expected] { state.withLock { $0.expected } }

    /// Expects something of a source from now on, or nothing. Durable when it returns.
    func expect(_ expectations: SourceExpectations?, of source: String, now: Timestamp) throws {
        try keep(expectations, of: source, now: now)
        state.withLock { $0.expected[source] = expectations.map { Expected($0, since: now) } }
    }

    // MARK: What is known

    func figures(of source: String) -> SourceTally? { state.withLock { $0.figures[source] } }
    func refusals(of source: String) -> Refusals { state.withLock { $0.refusals[source] ?? Refusals() } }
    var allFigures: [String: SourceTally] { state.withLock { $0.figures } }
    var allRefusals: [String: Refusals] { state.withLock { $0.refusals } }

    /// Counts what a delivery left besides events.
    func note(_ attempt: DeliveryAttempt, source: String) {
        var more = Refusals(duplicates: Int64(attempt.duplicates), rejected: Int64(attempt.rejected))
        if let failure = attempt.failure, failure.stage == .received || failure.stage == .verified { more.refused = 1 }
        guard more != Refusals() else { return }
        state.withLock { state in
            state.refusals[source] = (state.refusals[source] ?? Refusals()) + more
            state.unkept.insert(source)
        }
    }

    func publish(_ changed: [(name: String, figures: SourceTally)]) {
        guard !changed.isEmpty else { return }
        state.withLock { state in for (name, figures) in changed { state.figures[name] = figures } }
    }

    /// The refusals that have not been kept yet.
    func takeUnkept() -> [(name: String, refusals: Refusals)] {
        state.withLock { state in
            defer { state.unkept = [] }
            return state.unkept.sorted().map { ($0, state.refusals[$0] ?? Refusals()) }
        }
    }

    // MARK: Findings

    func findingsAreThere() { findingsWait.store(true, ordering: .releasing) }

    /// Whether there is something to tell; asked once for each time.
    func takeWhetherFindingsWait() -> Bool { findingsWait.exchange(false, ordering: .acquiringAndReleasing) }
}
