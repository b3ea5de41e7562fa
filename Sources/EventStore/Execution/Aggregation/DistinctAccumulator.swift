import EventModel

/// `dcount`: how many distinct values a group has, exactly. Absent values do not count; no value gives 0.
struct DistinctAccumulator: Accumulator {
    private var pairs = PairTable()
    private var counts: [Int] = []
    /// The values of the whole search by their keys; unused inside a segment.
    private var values = ByteInterner()

    /// Pairs of group and code that are distinct already, 32 bits each: what a whole segment had.
    private var distinct: [UInt64] = []

    var keptValues: Int { pairs.count + distinct.count }

    /// Adds all rows of a set at once, groups being the codes of a key. The values are brought together by group first, so
    /// that a table of last groups by value tells what is new. False when codes are not dense.
    mutating func add(
        _ rows: RowSet, _ key: any CountingSource, _ counts: [Int], _ source: any CountingSource
    ) -> Bool {
        var places = [UInt32](repeating: 0, count: counts.count + 1)
        var sum: UInt32 = 0
        for (group, count) in counts.enumerated() {
            places[group] = sum
            sum += UInt32(count)
        }
        var groups = [UInt32](repeating: 0, count: rows.rowCount)
        var values = [UInt32](repeating: 0, count: Int(sum))
        let hasGroups = groups.withUnsafeMutableBufferPointer { groups in
            key.forEachCode(rows) { row, code in groups[row] = UInt32(truncatingIfNeeded: code) }
        }
        let hasValues = values.withUnsafeMutableBufferPointer { values in
            groups.withUnsafeBufferPointer { groups in
                places.withUnsafeMutableBufferPointer { places in
                    source.forEachCode(rows) { row, code in
                        let group = Int(groups[row])
                        values[Int(places[group])] = UInt32(truncatingIfNeeded: code)
                        places[group] += 1
                    }
                }
            }
        }
        guard hasGroups, hasValues else { return false }
        var last = [UInt32](repeating: .max, count: source.codeBound)
        var position = 0
        for group in counts.indices {
            for _ in 0..<counts[group] {
                let value = values[position]
                position += 1
                guard value != 0, last[Int(value)] != UInt32(group) else { continue }
                last[Int(value)] = UInt32(group)
                distinct.append(UInt64(group) << 32 | UInt64(value))
            }
        }
        return true
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
        if pairs.insert(group, value).isNew { counts[Int(group)] += 1 }
    }

    mutating func merge(_ other: any Accumulator, mapping: [UInt32?], bound: Int, _ source: any ValueSource) {
        guard let other = other as? DistinctAccumulator else { return }
        counts.extend(to: bound, with: 0)
        var known = [UInt32](repeating: 0, count: source.codeBound)
        var key: [UInt8] = []
        for pair in other.pairs.pairs + other.distinct {
            guard let group = mapping[Int(pair >> 32)] else { continue }
            let code = UInt32(truncatingIfNeeded: pair)
            if known[Int(code)] == 0 {
                key.removeAll(keepingCapacity: true)
                source.appendKey(of: code, to: &key)
                known[Int(code)] = values.number(of: key)
            }
            insert(group, known[Int(code)])
        }
    }

    func result(_ group: UInt32) -> QueryValue {
        .integer(Int64(Int(group) < counts.count ? counts[Int(group)] : 0))
    }
}
