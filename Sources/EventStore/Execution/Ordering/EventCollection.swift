import EventModel

/// Finds the first events of the order of time that a filter holds for, reading no more records than that takes.
///
/// Conditions on columns are decided for all rows, so that their hits are counted exactly. When records have to be read,
/// they are read in the order's direction until no later one can be among the first; the count is a lower bound then.
struct EventCollection: Sendable {
    struct Found: Sendable {
        var first: FirstRows
        var matched = 0
        var isExact = true
    }

    let work: SegmentWork
    let order: TimeOrder
    let capacity: Int
    /// The place after which the events are wanted.
    let after: (time: Int64, index: UInt64)?

    /// Rows between two looks at what has been found: enough for the scan to be fast, few enough to stop early.
    private static let chunkRows = 16_384

    func collect(_ filter: CompiledFilter) async throws -> (rows: [RowReference], matched: Int, isExact: Bool) {
        let (columns, records) = filter.split
        let found = Shared(Found(first: FirstRows(order, capacity: capacity)))
        let numbers = work.numbers(for: filter).sorted {
            let (one, other) = (work.segments[$0].timeBounds, work.segments[$1].timeBounds)
            return order.isOldestFirst ? one.lowerBound < other.lowerBound : one.upperBound > other.upperBound
        }
        try await work.forEach(numbers) { number, parser in
            let rows = work.segments[number]
            if records != nil, found.withLock({ excludes(rows, $0.first) }) {
                found.withLock { $0.isExact = false }
                return
            }
            let segment = SegmentFilter(rows: rows, meter: work.meter, parser: parser)
            let candidates = try segment.select(columns, among: work.candidates(number))
            if let records {
                try scan(segment, records, candidates, number, found)
            } else {
                let first = try firstRows(of: candidates, rows, number, found)
                found.withLock { state in
                    state.matched += candidates.count
                    state.first.insert(first)
                }
            }
        }
        return found.withLock { ($0.first.finish(), $0.matched, $0.isExact) }
    }

    private func excludes(_ rows: any EventRows, _ first: FirstRows) -> Bool {
        first.excludes(time: (order.isOldestFirst ? rows.timeBounds.lowerBound : rows.timeBounds.upperBound).rawValue)
    }

    private func firstRows(
        of rows: RowSet, _ segment: any EventRows, _ number: Int, _ found: Shared<Found>
    ) throws -> FirstRows {
        var first = FirstRows(order, capacity: capacity)
        let known = found.withLock { $0.first }
        guard capacity > 0, !excludes(segment, known) else { return first }
        try segment.withTimes(.time) { times in
            try rows.withBatches(of: Self.chunkRows, reversed: !order.isOldestFirst) { batch in
                for position in batch.indices {
                    let row = batch[order.isOldestFirst ? position : batch.count - 1 - position]
                    let time = times[Int(row)]
                    guard !first.excludes(time: time), !known.excludes(time: time) else { continue }
                    let index = try segment.leafIndex(ofRow: Int(row)).rawValue
                    let reference = RowReference(
                        time: time, index: index, segment: Int32(number), row: Int32(bitPattern: row))
                    if isWanted(reference) { first.insert(reference) }
                }
                return true
            }
        }
        return first
    }

    private func isWanted(_ row: RowReference) -> Bool {
        after.map { order.follows(row, time: $0.time, index: $0.index) } ?? true
    }

    /// Reads records chunk by chunk from the order's first end of the segment.
    private func scan(
        _ segment: SegmentFilter, _ records: CompiledFilter, _ candidates: RowSet, _ number: Int,
        _ found: Shared<Found>
    ) throws {
        let rowCount = segment.rows.rowCount
        let bounds = try chunkBounds(segment.rows)
        let chunks = order.isOldestFirst ? Array(bounds.indices) : bounds.indices.reversed()
        // The most promising time among this chunk and those after it.
        var best = [Int64](repeating: 0, count: bounds.count)
        var running: Int64 = order.isOldestFirst ? .max : .min
        for chunk in chunks.reversed() {
            running =
                order.isOldestFirst ? min(running, bounds[chunk].lowerBound) : max(running, bounds[chunk].upperBound)
            best[chunk] = running
        }
        for chunk in chunks {
            try work.meter.check()
            let isDone = found.withLock { state in
                guard state.first.excludes(time: best[chunk]) else { return false }
                state.isExact = false
                return true
            }
            if isDone { return }
            var rows = candidates
            rows.formIntersection(chunk * Self.chunkRows..<min(rowCount, (chunk + 1) * Self.chunkRows))
            guard !rows.isEmpty else { continue }
            let matching = try segment.select(records, among: rows)
            let first = try firstRows(of: matching, segment.rows, number, found)
            found.withLock { state in
                state.matched += matching.count
                state.first.insert(first)
            }
        }
    }

    private func chunkBounds(_ rows: any EventRows) throws -> [ClosedRange<Int64>] {
        try rows.withTimes(.time) { times in
            stride(from: 0, to: times.count, by: Self.chunkRows).map { start in
                var (lowest, highest) = (Int64.max, Int64.min)
                for row in start..<min(times.count, start + Self.chunkRows) {
                    lowest = min(lowest, times[row])
                    highest = max(highest, times[row])
                }
                return lowest...highest
            }
        }
    }
}

extension CompiledFilter {
    /// What columns decide, and what needs records; nil when nothing does.
    fileprivate var split: (columns: CompiledFilter, records: CompiledFilter?) {
        if isColumnar { return (self, nil) }
        guard case .and(let members) = self else { return (.constant(true), self) }
        let records = members.filter { !$0.isColumnar }
        return (.conjunction(members.filter(\.isColumnar)), .conjunction(records))
    }
}
