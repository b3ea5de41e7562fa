import Synchronization
import Testing

@testable import Intake

@Suite("Admission")
struct AdmissionTests {
    private static let overloaded = IntakeError(.overloaded, "too much is waiting to be committed")

    /// Time that passes when the test says so.
    private final class Time: Sendable {
        private let sleepers = Mutex<[CheckedContinuation<Void, Never>]>([])
        private let asked = Mutex<[Duration]>([])
        private let names = Mutex<[Int]>([])

        var durations: [Duration] { asked.withLock { $0 } }
        var admitted: [Int] { names.withLock { $0 } }
        func note(_ name: Int) { names.withLock { $0.append(name) } }

        private let moment = Mutex(ContinuousClock.now)
        @Sendable func now() -> ContinuousClock.Instant { moment.withLock { $0 } }
        func pass(_ duration: Duration) { moment.withLock { $0 += duration } }

        @Sendable func sleep(_ duration: Duration) async {
            asked.withLock { $0.append(duration) }
            await withCheckedContinuation { continuation in sleepers.withLock { $0.append(continuation) } }
        }

        func pass() {
            let woken = sleepers.withLock { sleepers in
                defer { sleepers = [] }
                return sleepers
            }
            for sleeper in woken { sleeper.resume() }
        }

        /// Waits until so many sleep.
        func wait(for count: Int) async { while sleepers.withLock(\.count) < count { await Task.yield() } }
    }

    @Test("What does not fit waits, in order, until there is room; it is refused when there is none in time")
    func waiting() async throws {
        let time = Time()
        let admission = Admission(limit: 100, sleep: time.sleep, now: time.now)
        var first: Admitted? = try await admission.admit(90)
        func waiter(_ name: Int, _ bytes: Int) -> Task<Admitted, any Error> {
            Task {
                let admitted = try await admission.admit(bytes)
                time.note(name)
                return admitted
            }
        }
        let second = waiter(2, 20)
        await time.wait(for: 1)
        // It would fit beside the first, but is not its turn.
        let third = waiter(3, 5)
        await time.wait(for: 2)
        #expect(admission.usedBytes == 90 && admission.waitingCount == 2)
        withExtendedLifetime(first) {}
        first = nil
        let taken = try await [second.value, third.value]
        withExtendedLifetime(taken) { #expect(admission.usedBytes == 25 && admission.waitingCount == 0) }
        #expect(time.admitted.sorted() == [2, 3])
        // The moment at which they would have been refused changes nothing any more.
        time.pass()
        let rest = try await admission.admit(70)
        let refused = waiter(5, 20)
        await time.wait(for: 1)
        time.pass()
        await #expect(throws: Self.overloaded) { try await refused.value }
        withExtendedLifetime((taken, rest)) {}
        #expect(time.durations.allSatisfy { $0 == Admission.patience })
    }

    @Test("More than a share of the budget does not wait")
    func waitingIsBounded() async throws {
        let time = Time()
        let admission = Admission(limit: 100, sleep: time.sleep, now: time.now)
        let held = try await admission.admit(100)
        let waiter = Task { try await admission.admit(100 / Admission.waitingShare) }
        await time.wait(for: 1)
        await #expect(throws: Self.overloaded) { try await admission.admit(1) }
        #expect(admission.waitingCount == 1 && admission.usedBytes == 100)
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
        #expect(admission.waitingCount == 0)
        time.pass()
        withExtendedLifetime(held) {}
    }

    @Test("The largest delivery waits for its turn too")
    func largestWaits() async throws {
        let time = Time()
        let admission = Admission(limit: 100, sleep: time.sleep, now: time.now)
        var held: Admitted? = try await admission.admit(10)
        let largest = Task { try await admission.admit(100) }
        await time.wait(for: 1)
        await #expect(throws: Self.overloaded) { try await admission.admit(1) }
        withExtendedLifetime(held) {}
        held = nil
        let admitted = try await largest.value
        withExtendedLifetime(admitted) { #expect(admission.usedBytes == 100) }
        time.pass()
    }

    @Test("Whoever stands behind one that is refused is admitted then")
    func behindTheRefused() async throws {
        let time = Time()
        let admission = Admission(limit: 100, sleep: time.sleep, now: time.now)
        let held = try await admission.admit(80)
        let large = Task { try await admission.admit(21) }
        await time.wait(for: 1)
        let small = Task { try await admission.admit(4) }
        await time.wait(for: 2)
        large.cancel()
        let admitted = try await small.value
        withExtendedLifetime((held, admitted)) { #expect(admission.usedBytes == 84) }
        time.pass()
    }

    @Test(
        "Bytes come back when the last holder lets go; a delivery larger than the whole budget is admitted when it is alone"
    )
    func budget() async throws {
        let admission = Admission(limit: 100) { _ in }
        var large: Admitted? = try await admission.admit(500)
        #expect(admission.usedBytes == 500)
        await #expect(throws: Self.overloaded) { try await admission.admit(1) }
        withExtendedLifetime(large) {}
        large = nil
        #expect(admission.usedBytes == 0)
        let again = try await admission.admit(60)
        withExtendedLifetime(again) { #expect(admission.usedBytes == 60) }
    }

    /// A house with an admission of 100 bytes each.
    private static func full(_ admission: Admission, _ count: Int) async throws -> [Admitted] {
        var house: [Admitted] = []
        for _ in 0..<count { house.append(try await admission.admit(100)) }
        return house
    }

    @Test("At saturation the budget is what the views give back in half a second, and the limit at most")
    func pace() async throws {
        let time = Time()
        let admission = Admission(limit: 1_000, sleep: time.sleep, now: time.now)
        var house = try await Self.full(admission, 10)
        /// Gives the oldest back after a while, with or without somebody who waits.
        func giveBack(after duration: Duration, waiting: Bool) async throws {
            let waiter = waiting ? Task { try await admission.admit(100) } : nil
            if waiting { while admission.waitingCount == 0 { await Task.yield() } }
            time.pass(duration)
            house.removeFirst()
            if admission.waitingCount > 0 { return waiter?.cancel() ?? () }
            if let waiter { house.append(try await waiter.value) }
        }
        // What nobody waits for says nothing of how fast the views can be.
        for _ in 0..<5 { try await giveBack(after: .milliseconds(400), waiting: false) }
        #expect(admission.budgetBytes == 1_000 && admission.usedBytes == 500)
        house += try await Self.full(admission, 5)
        // 100 bytes in 100 ms: after half a second of that the house has room for half a second.
        for _ in 0..<4 { try await giveBack(after: .milliseconds(100), waiting: true) }
        #expect(admission.budgetBytes == 1_000)
        try await giveBack(after: .milliseconds(100), waiting: true)
        #expect(admission.budgetBytes == 500)
        // One that waits is admitted when there is less in the house than that.
        let waiter = Task { try await admission.admit(100) }
        while admission.waitingCount == 0 { await Task.yield() }
        while house.count > 4 {
            #expect(admission.waitingCount == 1)
            time.pass(.milliseconds(100))
            house.removeFirst()
        }
        house.append(try await waiter.value)
        #expect(admission.usedBytes == 500 && admission.isFull)
        // Twenty times as fast: within seconds of that the limit is what bounds.
        for _ in 0..<400 {
            while admission.usedBytes + 100 <= admission.budgetBytes { house += try await Self.full(admission, 1) }
            try await giveBack(after: .milliseconds(5), waiting: true)
        }
        #expect(admission.budgetBytes == 1_000)
        withExtendedLifetime(house) {}
    }

    @Test("Beside a delivery larger than the budget there is as much room as without it, up to the limit")
    func besideLarge() async throws {
        let time = Time()
        let admission = Admission(limit: 1_000, sleep: time.sleep, now: time.now)
        // 100 bytes a second: a quarter of the limit is more than half of that.
        var house = try await Self.full(admission, 10)
        var waiter: Task<Admitted, any Error>? = Task { try await admission.admit(950) }
        while admission.waitingCount == 0 { await Task.yield() }
        while !house.isEmpty {
            time.pass(.seconds(1))
            house.removeFirst()
        }
        #expect(admission.budgetBytes == 1_000 / Admission.leastShare)
        var large: Admitted? = try await waiter?.value
        // A task keeps what it returned.
        waiter = nil
        let small = try await [admission.admit(25), admission.admit(25)]
        #expect(admission.usedBytes == 1_000 && admission.isFull)
        let next = Task { try await admission.admit(1) }
        while admission.waitingCount == 0 { await Task.yield() }
        withExtendedLifetime(large) {}
        // That was fast: 950 bytes at once make a better pace.
        time.pass(.milliseconds(1))
        large = nil
        let rest = try await next.value
        withExtendedLifetime((small, rest)) { #expect(admission.usedBytes == 51 && !admission.isFull) }
        time.pass()
    }

    @Test("A pace is said after half a second of it, and forgets what was before")
    func paceMemory() {
        var pace = AdmissionPace()
        pace.add(1_000, in: .milliseconds(499))
        #expect(pace.bytesPerSecond == nil)
        pace.add(0, in: .milliseconds(1))
        #expect(pace.bytesPerSecond == 2_000)
        for _ in 0..<40 { pace.add(10, in: .milliseconds(100)) }
        #expect((100.0..<200).contains(pace.bytesPerSecond ?? 0))
    }
}
