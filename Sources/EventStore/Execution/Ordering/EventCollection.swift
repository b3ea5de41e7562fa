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
    /// So many hits are looked at one by one: the zones of a segment's times, which spare looking at most of many, are not worth
    /// decoding all its times for them.
    private static let fewRows = 8

    func collect(_ filter: CompiledFilter) async throws -> (rows: [RowReference], matched: Int, isExact: Bool) {
        let found = Shared(Found(first: FirstRows(order, capacity: capacity)))
        let numbers = work.numbers(for: filter).sorted {
            let (one, other) = (work.segments[$0].timeBounds, work.segments[$1].timeBounds)
            return order.isOldestFirst ? one.lowerBound < other.lowerBound : one.upperBound > other.upperBound
        }
        try await work.forEach(numbers, asking: filter) { number, worker in
            let rows = work.segments[number]
            let segment = SegmentFilter(rows: rows, meter: work.meter, worker: worker)
            let bounds = try segment.bounds(filter, work.candidates(number))
            let undecided = bounds.undecided
            // Few records are all looked at: then the count is exact.
            if undecided.count > work.limits.countedRecords {
                try await scan(segment, filter, bounds.certain, undecided, number, found)
            } else {
                var matching = bounds.certain
                if !undecided.isEmpty { matching.formUnion(try await segment.records(filter, undecided)) }
                let count = matching.count
                let first = count == 0 ? nil : try firstRows(of: matching, rows, number, found)
                found.withLock { state in
                    state.matched += count
                    if let first { state.first.insert(first) }
                }
            }
        }
        return found.withLock { ($0.first.finish(), $0.matched, $0.isExact) }
    }

    private func excludes(_ rows: any EventRows, _ first: FirstRows.Bound) -> Bool {
        first.excludes(time: (order.isOldestFirst ? rows.timeBounds.lowerBound : rows.timeBounds.upperBound).rawValue)
    }

    private func firstRows(
        of rows: RowSet, _ segment: any EventRows, _ segmentNumber: Int, _ found: Shared<Found>
    ) throws -> FirstRows {
        var first = FirstRows(order, capacity: capacity)
        let known = found.withLock { $0.first.bound }
        guard capacity > 0, !excludes(segment, known) else { return first }
        // A handful of hits does not decode the times of a whole segment; for more than that, all at once is less than chunk by chunk.
        if rows.count <= Self.fewRows, let reader = segment as? SegmentReader {
            let times = try TimeChunks(reader, .times)
            try insert(rows, segment, segmentNumber, known, into: &first) { try times.time(ofRow: $0) }
        } else {
            try segment.withTimes(.time) { times in
                try insert(rows, segment, segmentNumber, known, into: &first) { times[$0] }
            }
        }
        return first
    }

    private func insert(
        _ rows: RowSet, _ segment: any EventRows, _ segmentNumber: Int, _ known: FirstRows.Bound,
        into first: inout FirstRows, time: (Int) throws -> Int64
    ) throws {
        func look(at row: Int) throws {
            let time = try time(row)
            guard !first.excludes(time: time), !known.excludes(time: time) else { return }
            let index = try segment.leafIndex(ofRow: row).rawValue
            let reference = RowReference(
                time: time, index: index, segment: Int32(segmentNumber), row: Int32(truncatingIfNeeded: row))
            if isWanted(reference) { first.insert(reference) }
        }
        guard rows.count > Self.fewRows else { return try rows.forEach(look) }
        let zones = try segment.timeZones(.time)
        var batch: [UInt32] = []
        for number in order.isOldestFirst ? Array(zones.indices) : zones.indices.reversed() {
            // Once there are enough, few zones hold anything that could be among the first.
            let best = order.isOldestFirst ? zones[number].lowerBound : zones[number].upperBound
            guard !first.excludes(time: best), !known.excludes(time: best) else { continue }
            rows.fill(&batch, fromBatch: number, of: TimeZones.rows)
            for position in batch.indices {
                try look(at: Int(batch[order.isOldestFirst ? position : batch.count - 1 - position]))
            }
        }
    }

    private func isWanted(_ row: RowReference) -> Bool {
        after.map { order.follows(row, time: $0.time, index: $0.index) } ?? true
    }

    /// Reads records chunk by chunk from the order's first end of the segment.
    private func scan(
        _ segment: SegmentFilter, _ filter: CompiledFilter, _ certain: RowSet, _ undecided: RowSet, _ number: Int,
        _ found: Shared<Found>
    ) async throws {
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
            try await segment.worker.pause()
            let isDone = found.withLock { state in
                guard state.first.excludes(time: best[chunk]) else { return false }
                state.isExact = false
                return true
            }
            if isDone { return }
            let range = chunk * Self.chunkRows..<min(rowCount, (chunk + 1) * Self.chunkRows)
            guard certain.count(in: range) + undecided.count(in: range) > 0 else { continue }
            var matching = certain.limited(to: range)
            let open = undecided.limited(to: range)
            if !open.isEmpty { matching.formUnion(try await segment.records(filter, open)) }
            guard !matching.isEmpty else { continue }
            let first = try firstRows(of: matching, segment.rows, number, found)
            found.withLock { state in
                state.matched += matching.count
                state.first.insert(first)
            }
        }
    }

    /// The times of each chunk.
    private func chunkBounds(_ rows: any EventRows) throws -> [ClosedRange<Int64>] {
        let zones = try rows.timeZones(.time)
        return stride(from: 0, to: zones.count, by: Self.chunkRows / TimeZones.rows).map { start in
            let own = zones[start..<min(zones.count, start + Self.chunkRows / TimeZones.rows)]
            return own.dropFirst().reduce(own[start]) { all, zone in
                min(all.lowerBound, zone.lowerBound)...max(all.upperBound, zone.upperBound)
            }
        }
    }
}
