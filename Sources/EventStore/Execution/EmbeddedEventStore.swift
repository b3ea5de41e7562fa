package import AccessControl
package import Crypto
package import EventModel
package import QueryLanguage

/// The store that searches the segments of this process.
///
/// Every search works on a snapshot: what is appended, sealed or merged meanwhile does not disturb it. Searches run on threads
/// of their own, take turns there, and share a bounded memory.
package struct EmbeddedEventStore: EventSearching {
    /// The segments at this moment, in memory and on disk, and what lies over them.
    package typealias Snapshot = @Sendable () -> StoreReading

    private let snapshot: Snapshot
    private let cursorKey: SymmetricKey
    private let limits: SearchLimits
    private let now: @Sendable () -> Timestamp
    private let clock: @Sendable () -> UInt64
    private let queue: SearchQueue
    private let memory: SearchMemory

    /// - Parameters:
    ///   - cursorKey: what cursors are made unforgeable with; a new one invalidates those that are out.
    ///   - now: the wall clock, for the default window.
    ///   - clock: nanoseconds of a clock that only goes forward, for time limits.
    package init(
        reading: @escaping Snapshot, cursorKey: SymmetricKey = SymmetricKey(size: .bits256),
        limits: SearchLimits = SearchLimits(), now: @escaping @Sendable () -> Timestamp,
        clock: @escaping @Sendable () -> UInt64 = MonotonicClock.nanoseconds
    ) {
        snapshot = reading
        self.cursorKey = cursorKey
        self.limits = limits
        self.now = now
        self.clock = clock
        queue = SearchQueue(running: limits.running, waiting: limits.waiting)
        memory = SearchMemory(limit: limits.memoryOfAll)
    }

    /// Searches segments over which nothing lies.
    package init(
        snapshot: @escaping @Sendable () -> [any EventRows], cursorKey: SymmetricKey = SymmetricKey(size: .bits256),
        limits: SearchLimits = SearchLimits(), now: @escaping @Sendable () -> Timestamp,
        clock: @escaping @Sendable () -> UInt64 = MonotonicClock.nanoseconds
    ) {
        self.init(
            reading: { StoreReading(snapshot()) }, cursorKey: cursorKey, limits: limits, now: now, clock: clock)
    }

    /// What searches hold of the process at this moment.
    package var load: SearchLoad {
        let (running, waiting) = queue.load
        return SearchLoad(running: running, waiting: waiting, heldBytes: memory.bytes)
    }

    /// Runs a search on the search threads when it is its turn. The time that it waits counts.
    private func run<Result>(
        explains: Bool = false, inBackground: Bool = false, _ body: (QueryMeter) async throws -> Result
    ) async throws -> Result {
        let limits = inBackground ? self.limits.inBackground : self.limits
        let threads: any TaskExecutor = inBackground ? SearchThreads.inBackground : SearchThreads.shared
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
        let limits = options.isInBackground ? limits.inBackground : limits
        return try await run(explains: options.explains, inBackground: options.isInBackground) {
            try await search(request, options, limits, $0)
        }
    }

    private func search(
        _ request: SearchRequest, _ options: SearchOptions, _ limits: SearchLimits, _ meter: QueryMeter
    ) async throws -> QueryResult {
        let reading = snapshot()
        let binding = CursorBinding.bytes(
            request, options.order, readings: options.reading == .sealed ? nil : reading.view.version)
        let cursor = try options.cursor.map { try SearchCursor($0, binding: binding, key: cursorKey) }
        let end = reading.segments.map(\.indexes.upperBound.rawValue).max().map { $0 &+ 1 } ?? 0
        let place = cursor ?? SearchCursor(now: now(), end: end, consumed: 0, position: .row)
        let plan = QueryPlan(request, order: options.order, now: place.now)
        let rows = try await VisibleRows(of: reading, options.reading, restriction: request.access, meter: meter)
        let work = SegmentWork(rows, groups: plan.groups, limits: limits, meter: meter, end: place.end)
        var pages = ResultPages(
            executor: QueryExecutor(plan: plan, work: work, order: options.order), place: place,
            page: try page(options, plan))
        var result = try await pages.result(canonical: request.query.canonical)
        result.cursor = pages.next.map { $0.text(binding: binding, key: cursorKey) }
        result.statistics.scannedBytes = meter.scannedBytes
        result.statistics.segments = work.segments.count
        result.statistics.segmentsRead = work.numbers(for: plan.filter).count
        result.statistics.tookNanoseconds = meter.elapsed
        result.explanation = Explanation.text(
            plan, result, meter, reading: reading.view.overlays.isEmpty ? nil : options.reading)
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
        let reading = snapshot()
        let restriction = read.restriction.map { EventPredicate($0) }
        /// What `body` makes of a row that the reader may see.
        func allowed<Result>(
            _ rows: any EventRows, _ row: Int, _ body: (SealedView) -> Result
        ) throws -> Result? {
            var result: Result?
            try rows.withRecords(CollectionOfOne(row)) { _, view in
                guard restriction?.matches(view, index: index, parser: JSONParser()) ?? true else { return false }
                result = body(view)
                return false
            }
            return result
        }
        func json(_ view: SealedView) -> [UInt8] {
            var json: [UInt8] = []
            EventJSON.append(view, index: index, groups: read.visibleGroups, to: &json)
            return json
        }
        for rows in reading.segments where rows.indexes.contains(index) {
            guard let row = try rows.row(of: index) else { continue }
            var overlaid: [UInt8]?
            if let (overlay, row) = try reading.overlaidRow(of: index) {
                overlaid = try allowed(overlay, row, json)
                if overlaid == nil { return nil }
            }
            return try allowed(rows, row) { view in
                let payload = read.visibleGroups.contains(.raw) ? view.payload.map { Array($0) } : nil
                return StoredEvent(index: index, json: json(view), payload: payload, overlay: overlaid)
            }
        }
        return nil
    }

    package func fields(_ query: AuthorizedQuery, _ reading: SearchOptions.Reading) async throws -> FieldSummary {
        try await fields(SearchRequest(query), reading)
    }

    func fields(
        _ request: SearchRequest, _ reading: SearchOptions.Reading = .current
    ) async throws -> FieldSummary {
        try await run { try await facets(request, reading, $0).fields() }
    }

    package func values(
        of field: FieldReference, prefix: String, limit: Int, _ query: AuthorizedQuery,
        _ reading: SearchOptions.Reading
    ) async throws -> ValueSummary {
        try await values(of: field, prefix: prefix, limit: limit, SearchRequest(query), reading)
    }

    func values(
        of field: FieldReference, prefix: String, limit: Int, _ request: SearchRequest,
        _ reading: SearchOptions.Reading = .current
    ) async throws -> ValueSummary {
        try await run {
            try await facets(request, reading, $0)
                .values(of: field, prefix: prefix, limit: min(max(limit, 1), limits.pageRows))
        }
    }

    private func facets(
        _ request: SearchRequest, _ reading: SearchOptions.Reading, _ meter: QueryMeter
    ) async throws -> Facets {
        let plan = QueryPlan(request, order: .newestFirst, now: now())
        let rows = try await VisibleRows(of: snapshot(), reading, restriction: request.access, meter: meter)
        let work = SegmentWork(rows, groups: plan.groups, limits: limits, meter: meter, end: .max)
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
