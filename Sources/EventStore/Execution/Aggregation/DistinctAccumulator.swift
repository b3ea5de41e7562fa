import EventModel

/// `dcount`: how many distinct values a group has, exactly. Absent values do not count; no value gives 0.
struct DistinctAccumulator: Accumulator {
    private var pairs = PairSet()
    /// The pairs of a segment whose codes were read all at once, instead of `pairs`.
    private var grouped: GroupedValues?
    private var counts: [Int] = []
    /// The values of the whole search by their keys; unused inside a segment.
    private var values = ByteInterner()

    var keptValues: Int { grouped?.count ?? pairs.count }
    var heldBytes: Int { pairs.heldBytes + (grouped?.heldBytes ?? 0) + counts.count * 8 + values.heldBytes }

    /// Takes all rows of a set at once, groups being the codes of a key. False, and nothing has changed, when codes are not
    /// dense, or rows so few that a mark for each value costs more.
    ///
    /// - Parameters:
    ///   - counts: how many of the rows each group has.
    ///   - memory: the task's.
    mutating func take(
        _ rows: RowSet, _ key: any CountingSource, _ source: any CountingSource, counts: [Int], _ memory: CodeMemory
    ) -> Bool {
        let selected = rows.count
        guard selected >= source.codeBound / Self.valuesPerRow else { return false }
        let taken = key.withDenseCodes(forRows: selected) { groups in
            source.withDenseCodes(forRows: selected) { values in
                let bound = source.codeBound
                return switch groups {
                case .oneByte(let groups): Self.group(rows, groups, values, counts, bound, memory)
                case .twoBytes(let groups): Self.group(rows, groups, values, counts, bound, memory)
                case .fourBytes(let groups): Self.group(rows, groups, values, counts, bound, memory)
                }
            }
        }
        guard let taken, let taken else { return false }
        grouped = taken
        return true
    }

    /// Clearing the marks of so many values costs no more than grouping a row.
    private static let valuesPerRow = 16

    @inline(__always)
    private static func group<Group: UnsignedInteger & FixedWidthInteger>(
        _ rows: RowSet, _ groups: UnsafeBufferPointer<Group>, _ values: SegmentCodes, _ counts: [Int], _ bound: Int,
        _ memory: CodeMemory
    ) -> GroupedValues {
        switch values {
        case .oneByte(let values): GroupedValues(rows, groups, values, counts: counts, valueBound: bound, memory)
        case .twoBytes(let values): GroupedValues(rows, groups, values, counts: counts, valueBound: bound, memory)
        case .fourBytes(let values): GroupedValues(rows, groups, values, counts: counts, valueBound: bound, memory)
        }
    }

    mutating func add(_ groups: [UInt32], bound: Int, _ source: any ValueSource) {
        counts.extend(to: bound, with: 0)
        if let integers = source.integers {
            for (group, integer) in zip(groups, integers) {
                insert(group, withUnsafeBytes(of: integer) { values.number(of: $0) })
            }
            return
        }
        source.codes.withUnsafeBufferPointer { codes in
            for (row, code) in codes.enumerated() where code != 0 { insert(groups[row], code) }
        }
    }

    @inline(__always)
    private mutating func insert(_ group: UInt32, _ value: UInt32) {
        if pairs.insert(PairSet.pair(group, value)) { counts[Int(group)] += 1 }
    }

    mutating func merge(_ other: any Accumulator, mapping: [UInt32?], bound: Int, _ source: any ValueSource) {
        guard let other = other as? DistinctAccumulator else { return }
        var used = [Bool](repeating: false, count: source.codeBound)
        other.forEachPair { used[Int($1)] = true }
        let codes = used.indices.filter { used[$0] }
        var (keys, ends) = ([UInt8](), [Int]())
        source.appendKeys(of: codes, to: &keys, ends: &ends)
        var known = [UInt32](repeating: 0, count: source.codeBound)
        for (code, number) in zip(codes, values.numbers(of: keys, ends: ends)) { known[code] = number }
        insert(other, bound: bound) { group, value in
            mapping[group].map { PairSet.pair($0, known[Int(value)]) }
        }
    }

    mutating func merge(whole other: any Accumulator, mapping: [UInt32], bound: Int) {
        guard let other = other as? DistinctAccumulator else { return }
        let known = values.numbers(of: other.values)
        insert(other, bound: bound) { group, value in PairSet.pair(mapping[group], known[Int(value) - 1]) }
    }

    private func forEachPair(_ body: (_ group: Int, _ value: UInt32) -> Void) {
        if let grouped { return grouped.forEach(body) }
        pairs.forEach { body(Int($0 >> 32), UInt32(truncatingIfNeeded: $0)) }
    }

    /// Inserts what `map` makes of each of another's pairs.
    @inline(__always)
    private mutating func insert(
        _ other: DistinctAccumulator, bound: Int, _ map: (_ group: Int, _ value: UInt32) -> UInt64?
    ) {
        counts.extend(to: bound, with: 0)
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: PairSet.batch) { batch in
            var size = 0
            other.forEachPair { group, value in
                guard let pair = map(group, value) else { return }
                batch[size] = pair
                size += 1
                guard size == batch.count else { return }
                pairs.insert(UnsafeBufferPointer(batch), counting: &counts)
                size = 0
            }
            pairs.insert(UnsafeBufferPointer(batch.extracting(0..<size)), counting: &counts)
        }
    }

    func result(_ group: UInt32) -> QueryValue {
        .integer(Int64(Int(group) < counts.count ? counts[Int(group)] : 0))
    }
}
