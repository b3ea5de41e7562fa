import EventModel
import Synchronization

/// What the tasks of one search share: the segments, the plan's visibility and the meter.
struct SegmentWork: Sendable {
    let segments: [any EventRows]
    let groups: FieldGroupSet
    let limits: SearchLimits
    let meter: QueryMeter
    /// The first leaf that is not looked at: later pages see the ledger as the first page did.
    let end: UInt64
    /// Rows that are not looked at, by the segment's number: those that are looked at in another reading.
    let hidden: [Int: RowSet]

    init(
        _ rows: VisibleRows, groups: FieldGroupSet, limits: SearchLimits, meter: QueryMeter, end: UInt64
    ) {
        segments = rows.segments
        hidden = rows.hidden
        self.groups = groups
        self.limits = limits
        self.meter = meter
        self.end = end
    }

    /// Calls `body` with each of the given segment numbers, in order, on as many tasks as the limits allow. The first error
    /// ends the rest.
    ///
    /// - Parameter filter: What each is asked first: so that it comes from the disk while those before are looked at.
    func forEach(
        _ numbers: [Int], asking filter: CompiledFilter = .constant(true),
        _ body: @escaping @Sendable (_ number: Int, _ worker: SearchWorker) async throws -> Void
    ) async throws {
        let reads = FirstReads(filter)
        @Sendable func announce(_ number: Int) {
            if let reader = segments[number] as? SegmentReader { reads.announce(to: reader) }
        }
        numbers.prefix(limits.parallelism).forEach(announce)
        let following = Dictionary(uniqueKeysWithValues: zip(numbers, numbers.dropFirst(limits.parallelism)))
        _ = try await collect(numbers, ()) { number, worker, _ in
            following[number].map(announce)
            try await body(number, worker)
        }
    }

    /// Calls `body` with each of the given segment numbers, as ``forEach(_:asking:_:)``, and with what its task has collected so far.
    ///
    /// - Returns: what each task has collected, in no particular order.
    func collect<State: Sendable>(
        _ numbers: [Int], _ initial: State,
        _ body: @escaping @Sendable (_ number: Int, _ worker: SearchWorker, _ state: inout State) async throws -> Void
    ) async throws -> [State] {
        guard !numbers.isEmpty else { return [] }
        let next = Counter()
        return try await withThrowingTaskGroup(of: State.self) { group in
            for _ in 0..<min(limits.parallelism, numbers.count) {
                group.addTask {
                    let worker = SearchWorker(meter)
                    var state = initial
                    while let number = numbers.element(at: next.take()) {
                        try await worker.pause()
                        try await body(number, worker, &state)
                        releasePages()
                    }
                    return state
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// Lets go of the segments' pages when much of them is resident: what the system keeps in its cache anyway need not count
    /// as this process's memory.
    private func releasePages() {
        let readers = segments.compactMap { $0 as? SegmentReader }
        guard readers.reduce(0, { $0 + $1.touchedBytes }) > limits.mappedBytes else { return }
        for reader in readers where reader.touchedBytes > 0 { reader.release() }
    }

    /// All rows of a segment that the search may look at.
    func candidates(_ number: Int) throws -> RowSet {
        let segment = segments[number]
        var rows = RowSet(allOf: segment.rowCount)
        if let hidden = hidden[number] { rows.subtract(hidden) }
        guard segment.indexes.upperBound.rawValue >= end else { return rows }
        var (low, high) = (0, segment.rowCount)
        while low < high {
            let middle = (low + high) / 2
            if try segment.leafIndex(ofRow: middle).rawValue < end { low = middle + 1 } else { high = middle }
        }
        rows.formIntersection(0..<low)
        return rows
    }

    /// The segments that a filter does not rule out by their bounds alone.
    func numbers(for filter: CompiledFilter) -> [Int] {
        segments.indices.filter { number in
            segments[number].indexes.lowerBound.rawValue < end && filter.admits(segments[number])
        }
    }
}

/// What one task of a search has for itself: a parser, memory, and its turns on the thread.
final class SearchWorker {
    let parser = JSONParser()
    let codes = CodeMemory()
    private var turns: SearchTurns

    init(_ meter: QueryMeter) { turns = SearchTurns(meter) }

    /// As ``SearchTurns/pause()``.
    func pause() async throws { try await turns.pause() }
}

/// Hands out 0, 1, 2 … to many tasks.
private final class Counter: Sendable {
    private let next = Atomic<Int>(0)
    func take() -> Int { next.add(1, ordering: .relaxed).oldValue }
}

extension Array {
    fileprivate func element(at position: Int) -> Element? { position < count ? self[position] : nil }
}

extension CompiledFilter {
    /// False when the bounds of a segment, of times and of leaves, show that no event in it can match.
    fileprivate func admits(_ segment: any EventRows) -> Bool {
        switch self {
        case .constant(let value): value
        case .time(let test):
            test.decision(for: test.field == .received ? segment.receivedBounds : segment.timeBounds) != false
        case .index(let test): test.admits(segment.indexes)
        case .and(let members): members.allSatisfy { $0.admits(segment) }
        case .or(let members): members.contains { $0.admits(segment) }
        case .not(.time(let test)):
            test.decision(for: test.field == .received ? segment.receivedBounds : segment.timeBounds) != true
        default: true
        }
    }
}
