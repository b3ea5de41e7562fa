import EventModel

/// `dcount`: how many distinct values a group has, exactly. Absent values do not count; no value gives 0.
struct DistinctAccumulator: Accumulator {
    private var pairs = PairTable()
    private var counts: [Int] = []
    /// The values of the whole search by their keys; unused inside a segment.
    private var values = ByteInterner()

    var keptValues: Int { pairs.count }

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
        for number in 0..<UInt32(other.pairs.count) {
            guard let group = mapping[Int(other.pairs.left(number))] else { continue }
            let code = other.pairs.right(number)
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
