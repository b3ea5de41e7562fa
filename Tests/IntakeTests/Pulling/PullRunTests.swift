import Connectors
import EventModel
import Synchronization
import Testing

@testable import Intake

@Suite("Pulling")
struct PullRunTests {
    /// A place with numbered events, three a page, and what a server keeps of them. It can be made to fail at one call.
    private final class World: Sendable, PullAdapter {
        struct State {
            var cursor: PullCursor?
            /// Committed events by delivery id, as deduplication keeps them.
            var committed: [String: Int] = [:]
            var gaps = 0
            var calls = 0
            var failsAt: Int?
        }
        struct Crash: Error {}

        static let events = 10
        let state = Mutex(State())

        /// A moment at which the process may die.
        func moment() throws {
            try state.withLock { state in
                state.calls += 1
                if state.calls == state.failsAt { throw Crash() }
            }
        }

        func page(after cursor: PullCursor?) async throws -> PullPage {
            try moment()
            let start = cursor.flatMap { Int($0.text) } ?? 0
            let end = min(start + 3, Self.events)
            let body = Array((start..<end).map { "{\"n\":\($0)}" }.joined(separator: "\n").utf8)
            let delivery =
                start < end
                ? Delivery(headers: DeliveryHeaders(), body: body, received: Timestamp(seconds: 0)) : nil
            return PullPage(
                delivery: delivery, deliveryID: "at:\(start)", cursor: PullCursor(String(end)),
                hasMore: end < Self.events,
                gaps: start == 3 ? [PullGap(place: "p", reason: "r")] : [])
        }

        func surroundings(sleep: @escaping @Sendable (Duration) async throws -> Void = { _ in }) -> PullRun.Surroundings
        {
            PullRun.Surroundings(
                loadCursor: {
                    try self.moment()
                    return self.state.withLock { $0.cursor }
                },
                saveCursor: { cursor in
                    try self.moment()
                    self.state.withLock { $0.cursor = cursor }
                    try self.moment()
                },
                submit: { delivery, id in
                    try self.moment()
                    let lines = delivery.body.split(separator: 0x0A)
                    let accepted = self.state.withLock { state in
                        lines.indices.count { line in
                            state.committed["\(id ?? "")/\(lines[line].endIndex)", default: 0] += 1
                            return state.committed["\(id ?? "")/\(lines[line].endIndex)"] == 1
                        }
                    }
                    try self.moment()
                    return (accepted, lines.count - accepted)
                },
                recordGap: { _ in
                    try self.moment()
                    self.state.withLock { $0.gaps += 1 }
                    try self.moment()
                },
                seconds: { 7 }, sleep: sleep, fraction: { 0 })
        }

        func run() -> PullRun {
            PullRun(self, every: 60, counters: PullCounters(), surroundings: surroundings())
        }
    }

    @Test(
        "Killed at any moment and started again, a pull loses nothing, doubles nothing and forgets no gap",
        arguments: 1...40)
    func killed(moment: Int) async throws {
        let world = World()
        world.state.withLock { $0.failsAt = moment }
        do {
            while try await world.run().step() {}
        } catch is World.Crash {
            // A new process: the cursor and what was committed are all that is left.
            world.state.withLock { $0.failsAt = nil }
            while try await world.run().step() {}
        }
        world.state.withLock { state in
            #expect(state.committed.count == World.events)
            #expect(state.gaps >= 1 && state.gaps <= 2)
            #expect(state.cursor == PullCursor("10"))
        }
    }

    @Test("Failures are counted and waited after, longer each time, and a stop ends the run")
    func failures() async {
        let waits = Mutex<[Duration]>([])
        struct Failing: PullAdapter {
            func page(after cursor: PullCursor?) async throws -> PullPage {
                throw PullError(.limited, "status 429", retryAfterSeconds: 90)
            }
        }
        let counters = PullCounters()
        let world = World()
        let task = Mutex<Task<Void, Never>?>(nil)
        let told = Mutex<[PullError]>([])
        var surroundings = world.surroundings { wait in
            let count = waits.withLock {
                $0.append(wait)
                return $0.count
            }
            if count == 9 { task.withLock { $0?.cancel() } }
        }
        surroundings.failed = { error in told.withLock { $0.append(error) } }
        let run = PullRun(Failing(), every: 60, counters: counters, surroundings: surroundings)
        task.withLock { $0 = Task { await run.run() } }
        await task.withLock { $0 }?.value
        #expect(counters.failures.load(ordering: .relaxed) >= 9 && counters.lastFailure == "status 429")
        // The same reason nine times is worth telling once.
        #expect(told.withLock { $0.map(\.reason) } == ["status 429"])
        // The place asked for 90 seconds; then the own back-off is longer: 128 and 150 seconds at its least.
        #expect(waits.withLock { Array($0.prefix(9)) } == Array(repeating: .seconds(90), count: 8) + [.seconds(128)])
    }

    @Test("The wait doubles from a second to five minutes, with at most half of it left to chance")
    func schedule() {
        var schedule = PullSchedule(intervalSeconds: 60)
        let error = PullError(.unavailable, "x")
        let least = (0..<12).map { _ in schedule.failed(error, fraction: 0) }
        #expect(least.prefix(3) == [.milliseconds(500), .seconds(1), .seconds(2)] && least.last == .seconds(150))
        #expect(schedule.failed(error, fraction: 0.999) < .seconds(300))
        let patient = PullError(.limited, "x", retryAfterSeconds: 86_400)
        #expect(schedule.failed(patient, fraction: 0) == .seconds(PullSchedule.longestRetryAfterSeconds))
        #expect(schedule.succeeded(hasMore: false) == .seconds(60) && schedule.succeeded(hasMore: true) == .zero)
        #expect(schedule.failed(error, fraction: 0) == .milliseconds(500))
    }

    @Test("A cursor beyond its bound is refused, and the last one stays")
    func longCursor() async throws {
        struct Long: PullAdapter {
            func page(after cursor: PullCursor?) async throws -> PullPage {
                PullPage(cursor: PullCursor(String(repeating: "x", count: PullCursor.maximumBytes + 1)))
            }
        }
        let world = World()
        let run = PullRun(Long(), every: 1, counters: PullCounters(), surroundings: world.surroundings())
        let error = await #expect(throws: PullError.self) { try await run.step() }
        #expect(error?.code == .malformed && world.state.withLock { $0.cursor } == nil)
    }
}
