import EventModel

/// Finds the values that most rows of several columns have.
///
/// With few values all are added up. With many, as where nearly every event has a value of its own, those are added up that are
/// frequent in one of the columns: the counts are exact then, and whether a value that is in none of these lists could
/// belong among the first is known from the last counts of the lists.
struct ValueRanking {
    let columns: [CountedColumn]
    let limit: Int
    let isWanted: (UnsafeRawBufferPointer) -> Bool

    /// Values of all columns together that are all added up: some milliseconds.
    static let defaultCap = 100_000
    /// How many times as many as are wanted are looked at in each column, and then added up over all.
    private static let spare = 4
    private static let leastListed = 128

    /// Most frequent first, then bytewise. Not exact when a value may be missing; what is there is counted over all rows.
    func result(cap: Int = defaultCap) -> ValueSummary {
        withExtendedLifetime(columns) {
            let candidates = columns.reduce(0) { $0 + $1.candidateCount }
            guard candidates > cap else { return ValueSummary(entries: entries(merged()), isExact: true) }
            return estimated()
        }
    }

    private typealias Counted = (value: UnsafeRawBufferPointer, count: Int)

    private func entries(_ best: [Counted]) -> [ValueSummary.Entry] {
        best.map { ValueSummary.Entry(value: $0.value.text, events: $0.count) }
    }

    private static func cut(_ best: inout [Counted], to limit: Int) {
        best.sort { $0.count != $1.count ? $0.count > $1.count : $0.value.precedes($1.value) }
        if best.count > limit { best.removeLast(best.count - limit) }
    }

    // MARK: Few values

    /// The dictionaries are walked together in their order: nothing is copied or hashed.
    private func merged() -> [Counted] {
        var cursors = columns.compactMap(Cursor.init)
        var best: [Counted] = []
        // What has no more rows than this is not among the most frequent: equal ones that come later order behind.
        var least = 0
        while let first = cursors.first {
            var lowest = first
            for cursor in cursors.dropFirst() where cursor.precedes(lowest) { lowest = cursor }
            let value = lowest.value
            var count = 0
            var hasFinished = false
            for position in cursors.indices where cursors[position].has(value, lowest.prefix) {
                count += cursors[position].count
                hasFinished = !cursors[position].advance() || hasFinished
            }
            if hasFinished { cursors.removeAll(where: \.isFinished) }
            guard count > least, isWanted(value) else { continue }
            best.append((value, count))
            if best.count >= max(limit * 2, 64) {
                Self.cut(&best, to: limit)
                if best.count == limit { least = best.last?.count ?? 0 }
            }
        }
        Self.cut(&best, to: limit)
        return best
    }

    // MARK: Many values

    private func estimated() -> ValueSummary {
        let wanted = max(limit * Self.spare, Self.leastListed)
        var known: [Listed: (count: Int, others: Int)] = [:]
        var others = 0
        for column in columns {
            let (codes, bound) = column.mostFrequent(wanted, where: isWanted)
            others += bound
            for code in codes {
                let entry = known[Listed(bytes: column.column.value(UInt32(code))), default: (0, 0)]
                known[Listed(bytes: column.column.value(UInt32(code)))] = (
                    entry.count + column.rows(withCode: code), entry.others + bound
                )
            }
        }
        // Where a value is listed it has its count, elsewhere as many rows as the last of the list at most.
        let promising = known.sorted { left, right in
            let (one, other) = (left.value.count, right.value.count)
            return one != other ? one > other : left.key.bytes.precedes(right.key.bytes)
        }
        let examined = promising.prefix(limit * Self.spare)
        let most = promising.dropFirst(examined.count).reduce(others) {
            max($0, $1.value.count + others - $1.value.others)
        }
        var best: [Counted] = examined.map { candidate in
            (candidate.key.bytes, columns.reduce(0) { $0 + $1.rows(with: candidate.key.bytes) })
        }
        Self.cut(&best, to: limit)
        let least = best.count == limit ? best.last?.count ?? 0 : 0
        return ValueSummary(entries: entries(best), isExact: least > most || most == 0)
    }

    /// A value of a dictionary as a key. It borrows the bytes.
    private struct Listed: Hashable {
        let bytes: UnsafeRawBufferPointer

        static func == (left: Listed, right: Listed) -> Bool { left.bytes.hasSameBytes(as: right.bytes) }
        func hash(into hasher: inout Hasher) { hasher.combine(bytes: bytes) }
    }

    /// A value of one column that some row has.
    private struct Cursor {
        private let counted: CountedColumn
        /// The number of the range, and the code in it.
        private var range = 0
        private var code: Int
        private(set) var value = UnsafeRawBufferPointer(start: nil, count: 0)
        private(set) var prefix: UInt64 = 0

        init?(_ counted: CountedColumn) {
            guard let first = counted.ranges.first else { return nil }
            self.counted = counted
            code = first.lowerBound - 1
            guard advance() else { return nil }
        }

        var isFinished: Bool { range >= counted.ranges.count }
        var count: Int { counted.rows(withCode: code) }

        mutating func advance() -> Bool {
            code += 1
            while range < counted.ranges.count {
                let end = counted.ranges[range].upperBound
                while code < end, counted.rows(withCode: code) == 0 { code += 1 }
                if code < end {
                    value = counted.column.value(UInt32(code))
                    prefix = DictionarySortKey.prefix(of: value)
                    return true
                }
                range += 1
                if range < counted.ranges.count { code = counted.ranges[range].lowerBound }
            }
            return false
        }

        func precedes(_ other: Cursor) -> Bool {
            prefix != other.prefix ? prefix < other.prefix : value.precedes(other.value)
        }

        func has(_ value: UnsafeRawBufferPointer, _ prefix: UInt64) -> Bool {
            self.prefix == prefix && self.value.hasSameBytes(as: value)
        }
    }
}
