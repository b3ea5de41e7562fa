import EventModel

/// `dcount`: how many distinct values a group has, exactly. Absent values do not count; no value gives 0.
struct DistinctAccumulator: Accumulator {
    private var pairs = PairSet()
    private var counts: [Int] = []
    /// The values of the whole search by their keys; unused inside a segment.
    private var values = ByteInterner()

    var keptValues: Int { pairs.count }
    var heldBytes: Int { pairs.heldBytes + counts.count * 8 + values.heldBytes }

    /// Adds all rows of a set at once, groups being the codes of a key. False, and nothing has changed, when codes are not
    /// dense.
    mutating func add(_ rows: RowSet, _ key: any CountingSource, _ source: any CountingSource) -> Bool {
        let selected = rows.count
        let isDone = key.withDenseCodes(forRows: selected) { groups in
            source.withDenseCodes(forRows: selected) { values in
                switch groups {
                case .oneByte(let groups): add(rows, groups, values)
                case .twoBytes(let groups): add(rows, groups, values)
                case .fourBytes(let groups): add(rows, groups, values)
                }
                return true
            } ?? false
        }
        return isDone ?? false
    }

    @inline(__always)
    private mutating func add<Group: UnsignedInteger & FixedWidthInteger>(
        _ rows: RowSet, _ groups: UnsafeBufferPointer<Group>, _ values: SegmentCodes
    ) {
        switch values {
        case .oneByte(let values): add(rows, groups, values)
        case .twoBytes(let values): add(rows, groups, values)
        case .fourBytes(let values): add(rows, groups, values)
        }
    }

    private mutating func add<
        Group: UnsignedInteger & FixedWidthInteger, Value: UnsignedInteger & FixedWidthInteger
    >(_ rows: RowSet, _ groups: UnsafeBufferPointer<Group>, _ values: UnsafeBufferPointer<Value>) {
        for position in rows.words.indices {
            var word = rows.words[position]
            while word != 0 {
                let row = position * 64 + word.trailingZeroBitCount
                word &= word - 1
                let value = UInt32(truncatingIfNeeded: values[row])
                if value != 0 { pairs.insert(PairSet.pair(UInt32(truncatingIfNeeded: groups[row]), value)) }
            }
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
        counts.extend(to: bound, with: 0)
        var known = [UInt32](repeating: 0, count: source.codeBound)
        var key: [UInt8] = []
        other.pairs.forEach { pair in
            guard let group = mapping[Int(pair >> 32)] else { return }
            let code = UInt32(truncatingIfNeeded: pair)
            if known[Int(code)] == 0 {
                key.removeAll(keepingCapacity: true)
                source.appendKey(of: code, to: &key)
                known[Int(code)] = values.number(of: key)
            }
            insert(group, known[Int(code)])
        }
    }

    mutating func merge(whole other: any Accumulator, mapping: [UInt32], bound: Int) {
        guard let other = other as? DistinctAccumulator else { return }
        counts.extend(to: bound, with: 0)
        let known = (0..<UInt32(other.values.count)).map { code in
            other.values.withBytes(of: code + 1) { values.number(of: $0) }
        }
        other.pairs.forEach { pair in
            insert(mapping[Int(pair >> 32)], known[Int(UInt32(truncatingIfNeeded: pair)) - 1])
        }
    }

    func result(_ group: UInt32) -> QueryValue {
        .integer(Int64(Int(group) < counts.count ? counts[Int(group)] : 0))
    }
}
