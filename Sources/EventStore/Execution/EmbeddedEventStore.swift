package import AccessControl
package import Crypto
package import EventModel
package import QueryLanguage

/// The store that searches the segments of this process.
///
/// Every search works on a snapshot: what is appended, sealed or merged meanwhile does not disturb it. Searches run on threads
/// of their own, take turns there, and share a bounded memory.
package struct EmbeddedEventStore: EventSearching {
    /// The segments at this moment, in memory and on disk.
    package typealias Snapshot = @Sendable () -> [any EventRows]

    private let snapshot: Snapshot
    private let cursorKey: SymmetricKey
    private let limits: SearchLimits
    private let now: @Sendable () -> Timestamp
    private let clock: @Sendable () -> UInt64
    private let queue: SearchQueue
    private let memory: SearchMemory
    private let threads: SearchThreads

    /// - Parameters:
    ///   - cursorKey: what cursors are made unforgeable with; a new one invalidates those that are out.
    ///   - now: the wall clock, for the default window.
    ///   - clock: nanoseconds of a clock that only goes forward, for time limits.
    package init(
        snapshot: @escaping Snapshot, cursorKey: SymmetricKey = SymmetricKey(size: .bits256),
        limits: SearchLimits = SearchLimits(), now: @escaping @Sendable () -> Timestamp,
        clock: @escaping @Sendable () -> UInt64 = MonotonicClock.nanoseconds
    ) {
        self.snapshot = snapshot
        self.cursorKey = cursorKey
        self.limits = limits
        self.now = now
        self.clock = clock
        queue = SearchQueue(running: limits.running, waiting: limits.waiting)
        memory = SearchMemory(limit: limits.memoryOfAll)
        threads = .shared
    }

    /// What searches hold of the process at this moment.
    package var load: SearchLoad {
        let (running, waiting) = queue.load
        return SearchLoad(running: running, waiting: waiting, heldBytes: memory.bytes)
    }

    /// Runs a search on the search threads when it is its turn. The time that it waits counts.
    private func run<Result>(
        explains: Bool = false, _ body: (QueryMeter) async throws -> Result
    ) async throws -> Result {
        let meter = QueryMeter(
            duration: limits.duration, clock: clock, records: explains,
            allowance: SearchAllowance(memory, limit: limits.memory))
        return try await queue.run {
            try await withTaskExecutorPreference(threads) {
                try meter.check()
                return try await body(meter)
            }
        }
    }

    package func search(_ query: AuthorizedQuery, _ options: SearchOptions) async throws -> QueryResult {
        try await search(SearchRequest(query), options)
    }

    func search(_ request: SearchRequest, _ options: SearchOptions) async throws -> QueryResult {
        try await run(explains: options.explains) { try await search(request, options, $0) }
    }

    private func search(
        _ request: SearchRequest, _ options: SearchOptions, _ meter: QueryMeter
    ) async throws -> QueryResult {
        let binding = CursorBinding.bytes(request, options.order)
        let cursor = try options.cursor.map { try SearchCursor($0, binding: binding, key: cursorKey) }
        let segments = snapshot()
        let end = segments.map(\.indexes.upperBound.rawValue).max().map { $0 &+ 1 } ?? 0
        let place = cursor ?? SearchCursor(now: now(), end: end, consumed: 0, position: .row)
        let plan = QueryPlan(request, order: options.order, now: place.now)
        let work = SegmentWork(
            segments: segments, groups: plan.groups, limits: limits, meter: meter, end: place.end)
        var pages = ResultPages(
            executor: QueryExecutor(plan: plan, work: work, order: options.order), place: place,
            page: try page(options, plan))
        var result = try await pages.result(canonical: request.query.canonical)
        result.cursor = pages.next.map { $0.text(binding: binding, key: cursorKey) }
        result.statistics.scannedBytes = meter.scannedBytes
        result.statistics.segments = segments.count
        result.statistics.segmentsRead = work.numbers(for: plan.filter).count
        result.statistics.tookNanoseconds = meter.elapsed
        result.explanation = Explanation.text(plan, result, meter)
        return result
    }

    private func page(_ options: SearchOptions, _ plan: QueryPlan) throws -> Int {
        guard let limit = options.limit else {
            return plan.shape == .events ? limits.defaultPageEvents : limits.pageRows
        }
        guard (1...limits.pageRows).contains(limit) else {
            throw EventStoreError(.invalidLimit, "an answer has 1 to \(limits.pageRows) rows; continue with its cursor")
        }
        return limit
    }

    package func event(at index: LeafIndex, _ read: AuthorizedRead) async throws -> StoredEvent? {
        for rows in snapshot() where rows.indexes.contains(index) {
            guard let row = try rows.row(of: index) else { continue }
            let restriction = read.restriction.map { EventPredicate($0) }
            var event: StoredEvent?
            try rows.withRecords(CollectionOfOne(row)) { _, view in
                guard restriction?.matches(view, index: index, parser: JSONParser()) ?? true else { return false }
                var json: [UInt8] = []
                EventJSON.append(view, index: index, groups: read.visibleGroups, to: &json)
                let payload = read.visibleGroups.contains(.raw) ? view.payload.map { Array($0) } : nil
                event = StoredEvent(index: index, json: json, payload: payload)
                return false
            }
            return event
        }
        return nil
    }

    package func fields(_ query: AuthorizedQuery) async throws -> FieldSummary {
        try await fields(SearchRequest(query))
    }

    func fields(_ request: SearchRequest) async throws -> FieldSummary {
        try await run { try await facets(request, $0).fields() }
    }

    package func values(
        of field: FieldReference, prefix: String, limit: Int, _ query: AuthorizedQuery
    ) async throws -> ValueSummary {
        try await values(of: field, prefix: prefix, limit: limit, SearchRequest(query))
    }

    func values(
        of field: FieldReference, prefix: String, limit: Int, _ request: SearchRequest
    ) async throws -> ValueSummary {
        try await run {
            try await facets(request, $0).values(of: field, prefix: prefix, limit: min(max(limit, 1), limits.pageRows))
        }
    }

    private func facets(_ request: SearchRequest, _ meter: QueryMeter) -> Facets {
        let plan = QueryPlan(request, order: .newestFirst, now: now())
        let work = SegmentWork(segments: snapshot(), groups: plan.groups, limits: limits, meter: meter, end: .max)
        return Facets(work: work, filter: plan.filterWithoutWindow)
    }
}

/// What searches hold of the process.
package struct SearchLoad: Sendable, Equatable {
    package let running: Int
    package let waiting: Int
    /// An estimate of what they keep.
    package let heldBytes: Int
}

/// A clock that only goes forward.
package enum MonotonicClock {
    private static let origin = ContinuousClock.now

    @Sendable package static func nanoseconds() -> UInt64 {
        // The first use sets the origin, so it must come before the clock is read.
        let origin = origin
        let (seconds, attoseconds) = (ContinuousClock.now - origin).components
        return UInt64(seconds) &* 1_000_000_000 &+ UInt64(attoseconds / 1_000_000_000)
    }
}
