import AccessControl
import EventModel
import Logging
import Synchronization

/// What came from each source, remembered between pages: everything is counted once, then only what came since. So a page waits no
/// longer when there are more events.
///
/// What is remembered is what the server itself sees, and shown to those alone who see as much; for others is counted each time.
final class SourceFigures: Sendable {
    /// Seconds until everything is counted anew: retention takes events away.
    static let recountSeconds: Int64 = 600

    private struct Kept {
        var health: SourceHealth?
        var counted = Timestamp(nanoseconds: .min)
    }

    private let kept = Mutex(Kept())
    private let wanted: AsyncStream<Void>
    private let want: AsyncStream<Void>.Continuation

    init() {
        // A signal, of which one is as good as many.
        (wanted, want) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// The figures of now, for a page that waits only so long; nil when they took longer. They are counted on then.
    func current(
        _ state: ServerState, for principal: Principal, within limit: Duration
    ) async -> SourceHealth? {
        guard ExposurePage.seesEverything(principal, now: state.now()) else {
            return (try? await CustodyServer.within(limit) { try await SourceHealth(state, for: principal) }) ?? nil
        }
        let (known, counted) = kept.withLock { ($0.health, $0.counted) }
        if known == nil || state.now().seconds - counted.seconds >= Self.recountSeconds { want.yield() }
        let fresh = try? await CustodyServer.within(limit) { [known] in
            guard var health = known else { return try await SourceHealth(state, for: .system) }
            try await health.update(state, for: .system)
            return health
        }
        guard let fresh = fresh ?? nil else { return known }
        kept.withLock { kept in
            // A page that was faster knows more already; a recount meanwhile knows better.
            if kept.health == nil { kept.counted = state.now() }
            if kept.counted == counted || kept.health == nil, kept.health?.next ?? 0 <= fresh.next {
                kept.health = fresh
            }
        }
        return fresh
    }

    /// Counts everything when a page asks for it, until the task is cancelled. One count at a time.
    func run(_ state: ServerState) async {
        for await _ in wanted {
            let isDue = kept.withLock {
                $0.health == nil || state.now().seconds - $0.counted.seconds >= Self.recountSeconds
            }
            guard isDue else { continue }
            do {
                let now = state.now()
                let health = try await SourceHealth(state, for: .system)
                kept.withLock { $0 = Kept(health: health, counted: now) }
            } catch {
                state.logger.warning("sources could not be counted", metadata: ["error": "\(error)"])
            }
        }
    }
}
