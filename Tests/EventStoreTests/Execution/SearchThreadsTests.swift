import Dispatch
import Synchronization
import Testing

@testable import EventStore

@Suite("Threads of searches")
struct SearchThreadsTests {
    /// What ran, in order.
    private final class Record: Sendable {
        let names = Mutex([String]())

        func add(_ name: String) { names.withLock { $0.append(name) } }
    }

    /// Keeps a thread until it is opened.
    private struct Gate: Sendable {
        private let semaphore = DispatchSemaphore(value: 0)

        func wait() { semaphore.wait() }
        func open() { semaphore.signal() }
    }

    @Test("The background waits for all others, but has a turn of sixteen")
    func background() async {
        let threads = SearchThreads(count: 1)
        let background = BackgroundTurns(threads)
        let (record, gate) = (Record(), Gate())
        // The first turn.
        let first = Task(executorPreference: threads) { gate.wait() }
        let others =
            (1...2).map { number in Task(executorPreference: background) { record.add("background \(number)") } }
            + (1...20).map { number in Task(executorPreference: threads) { record.add("\(number)") } }
        gate.open()
        for task in [first] + others { await task.value }
        let expected =
            (1...14).map(String.init) + ["background 1"] + (15...20).map(String.init) + ["background 2"]
        #expect(record.names.withLock { $0 } == expected)
    }

    @Test("After each of its turns what is in the background waits behind all others again")
    func stays() async {
        let threads = SearchThreads(count: 1)
        let background = BackgroundTurns(threads)
        let record = Record()
        await Task(executorPreference: background) {
            record.add("begins")
            let first = Task(executorPreference: threads) {
                record.add("first")
                // Comes later than the background's second turn, and goes before it.
                return Task(executorPreference: threads) { record.add("second") }
            }
            await Task.yield()
            record.add("goes on")
            await first.value.value
        }.value
        #expect(record.names.withLock { $0 } == ["begins", "first", "second", "goes on"])
    }
}
