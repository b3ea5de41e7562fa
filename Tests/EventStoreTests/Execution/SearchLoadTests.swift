import Crypto
import EventModel
import QueryLanguage
import Synchronization
import Testing

@testable import EventStore

/// Many searches, and searches that want much: each is answered or refused, and what they held is given back.
@Suite struct SearchLoadTests {
    private static let samples = (1...200).map { number in
        Sample(
            UInt64(number), "2026-11-01T10:00:00Z", [(.actorName, "actor \(number)")],
            payload: #"{"text":"\#(String(repeating: "x", count: 1_000))\#(number)"}"#)
    }

    private func code(_ query: String, _ store: SampleStore, limit: Int? = nil) async throws -> EventStoreError.Code? {
        do {
            _ = try await store.search(query, SearchOptions(limit: limit))
            return nil
        } catch let error as EventStoreError {
            return error.code
        }
    }

    // MARK: Memory

    @Test(
        "A search that would hold more than it may is refused and gives back what it held",
        arguments: [
            "* | stats count by raw.text", "* | stats dcount(raw.text) by actor", "* | stats max(raw.text) by actor",
            "* | fields raw.text", "* | fields raw.text | sort raw.text", "* | sort raw.text", "* | dedup raw.text",
            "* | stats count by raw.text,actor", "* | top 10000 raw.text",
        ])
    func memory(query: String) async throws {
        var limits = SearchLimits()
        limits.memory = 100_000
        let tight = try SampleStore(Self.samples, segmentRows: 50, limits: limits)
        #expect(try await code(query, tight) == .tooMuchMemory)
        #expect(tight.store.load == SearchLoad(running: 0, waiting: 0, heldBytes: 0))
        let roomy = try SampleStore(Self.samples, segmentRows: 50)
        #expect(try await code(query, roomy) == nil)
        #expect(roomy.store.load == SearchLoad(running: 0, waiting: 0, heldBytes: 0))
    }

    @Test("Completion and top of a field hold a byte or two for each of its values", arguments: [1_000, 100])
    func manyValues(memory: Int) async throws {
        var limits = SearchLimits()
        limits.memory = memory
        let store = try SampleStore(Self.samples, segmentRows: 50, limits: limits)
        func found() async throws -> [String] {
            try await store.store.values(of: .field(.actorName), prefix: "", limit: 2, store.request("*")).entries
                .map(\.value)
        }
        if memory == 1_000 {
            #expect(try await found() == ["actor 1", "actor 10"])
            #expect(try await code("* | top 2 actor.name", store) == nil)
        } else {
            await #expect(throws: EventStoreError.self) { try await found() }
            #expect(try await code("* | top 2 actor.name", store) == .tooMuchMemory)
        }
        #expect(store.store.load.heldBytes == 0)
    }

    @Test("Events of an answer count by their bytes")
    func answer() async throws {
        var limits = SearchLimits()
        limits.memory = 20_000
        let store = try SampleStore(Self.samples, segmentRows: 50, limits: limits)
        #expect(try await code("*", store, limit: 200) == .tooMuchMemory)
        #expect(try await code("*", store, limit: 5) == nil)
    }

    @Test("Searches together hold no more than they all may, and the reason tells which limit it was")
    func memoryOfAll() throws {
        let pool = SearchMemory(limit: 100)
        let first = SearchAllowance(pool, limit: 80)
        try first.take(70)
        do {
            let second = SearchAllowance(pool, limit: 80)
            try second.take(30)
            #expect(throws: EventStoreError.self) { try second.take(1) }
            do { try second.take(1) } catch { #expect((error as? EventStoreError)?.code == .searchesHoldMemory) }
            do { try second.take(60) } catch { #expect((error as? EventStoreError)?.code == .tooMuchMemory) }
            #expect(second.bytes == 30 && pool.bytes == 100)
        }
        // The second is gone, and with it what it held.
        #expect(pool.bytes == 70)
        var held = HeldBytes(first)
        try held.note(10)
        #expect(first.bytes == 80)
        try held.note(4)
        #expect(first.bytes == 74)
        held.release()
        #expect(pool.bytes == 70)
    }

    // MARK: Turns

    @Test("So many searches run, so many wait, the next is refused, and those that wait go on in their order")
    func queue() async throws {
        let queue = SearchQueue(running: 2, waiting: 3)
        let gates = (0..<5).map { _ in Gate() }
        let order = Shared([Int]())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<5 {
                group.addTask {
                    try await queue.run {
                        order.withLock { $0.append(number) }
                        await gates[number].wait()
                    }
                }
                // One after the other, so that the order is known.
                while queue.load.running + queue.load.waiting <= number { await Task.yield() }
            }
            #expect(queue.load == (2, 3))
            await #expect(
                throws: EventStoreError(.tooManySearches, "too many searches wait already; try again in a moment")
            ) {
                try await queue.run {}
            }
            // The first two have begun before a place becomes free.
            while order.withLock({ $0.count }) < 2 { await Task.yield() }
            for gate in gates { gate.open() }
            try await group.waitForAll()
        }
        let seen = order.withLock { $0 }
        #expect(Set(seen[..<2]) == [0, 1])
        #expect(Set(seen) == Set(0..<5))
        #expect(queue.load == (0, 0))
    }

    @Test("A search that is cancelled while it waits leaves the queue")
    func cancelledWhileWaiting() async throws {
        let queue = SearchQueue(running: 1, waiting: 5)
        let gate = Gate()
        let running = Task { try await queue.run { await gate.wait() } }
        while queue.load.running == 0 { await Task.yield() }
        let waiting = Task { try await queue.run { Issue.record("it was cancelled before its turn") } }
        while queue.load.waiting == 0 { await Task.yield() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(queue.load.waiting == 0)
        gate.open()
        try await running.value
        #expect(queue.load == (0, 0))
        // The place is free again, also for one that comes cancelled.
        let late = Task {
            while !Task.isCancelled { await Task.yield() }
            try await queue.run {}
        }
        late.cancel()
        await #expect(throws: CancellationError.self) { try await late.value }
        try await queue.run {}
    }

    @Test("Many searches at once are all answered, whatever their number against that of the threads")
    func many() async throws {
        var limits = SearchLimits()
        limits.running = 4
        let store = try SampleStore(Self.samples, segmentRows: 20, limits: limits)
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<60 {
                group.addTask { try await store.search("xxx* OR actor:\(number)*").statistics.matched }
            }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(counts == Array(repeating: 200, count: 60))
        #expect(store.store.load == SearchLoad(running: 0, waiting: 0, heldBytes: 0))
    }

    @Test("A search whose time is over in the middle of its work ends with that error", arguments: [5, 40, 120])
    func timeOver(looks: UInt64) async throws {
        let segments = try SampleStore(Self.samples, segmentRows: 20).segments
        // The clock goes on by a second with each look, and the search looks hundreds of times.
        let clock = Shared(UInt64(0))
        var limits = SearchLimits()
        limits.duration = .seconds(Int64(looks))
        let store = EmbeddedEventStore(
            snapshot: { segments }, limits: limits, now: { SampleStore.now },
            clock: {
                clock.withLock { clock in
                    clock += 1_000_000_000
                    return clock
                }
            })
        let query = try Query(parsing: "*x1* OR *2* | stats count by raw.text", now: SampleStore.now)
        do {
            _ = try await store.search(
                SearchRequest(query: query, since: moment("2000-01-01T00:00:00Z")), SearchOptions())
            // The last looks are at the time that it took, when nothing is left to do.
            #expect(clock.withLock { $0 } <= (looks + 4) * 1_000_000_000, "it went on after its time")
        } catch let error as EventStoreError {
            #expect(error.code == .queryTimedOut)
        }
        #expect(store.load == SearchLoad(running: 0, waiting: 0, heldBytes: 0))
    }

    @Test("A search that nobody waits for any more ends between two blocks")
    func cancelledWhileRunning() async throws {
        let segments = try SampleStore(Self.samples, segmentRows: 20).segments
        let looks = Shared(0)
        let gate = Gate()
        let store = EmbeddedEventStore(
            snapshot: { segments }, now: { SampleStore.now },
            clock: {
                let isTwentieth = looks.withLock { looks in
                    looks += 1
                    return looks == 20
                }
                if isTwentieth { gate.open() }
                return 0
            })
        let query = try Query(parsing: "*x1* OR *2*", now: SampleStore.now)
        let request = SearchRequest(query: query, since: moment("2000-01-01T00:00:00Z"))
        let search = Task {
            while true { _ = try await store.search(request, SearchOptions()) }
        }
        await gate.wait()
        search.cancel()
        await #expect(throws: CancellationError.self) { try await search.value }
        #expect(store.load == SearchLoad(running: 0, waiting: 0, heldBytes: 0))
    }
}

/// Lets tasks wait until somebody opens it.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}
