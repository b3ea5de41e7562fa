import QueryLanguage

/// `p50`, `p95`, `p99` of the values that are numbers, exactly, by nearest rank: the smallest value that at least so many
/// per cent of the values do not exceed. Always a value that occurs; absent without one.
struct RankAccumulator: Accumulator {
    let percent: Int
    private var groups: [UInt32] = []
    private var values: [Double] = []
    /// Where each group's sorted values begin, once the results are asked for.
    private var starts: [Int]?

    init(percent: Int) { self.percent = percent }

    var keptValues: Int { values.count }
    var heldBytes: Int { values.count * 12 }

    mutating func add(_ groups: [UInt32], bound: Int, _ source: any ValueSource) {
        if let integers = source.integers {
            self.groups.append(contentsOf: groups)
            values.append(contentsOf: integers.lazy.map(Double.init))
            return
        }
        for (group, code) in zip(groups, source.codes) {
            guard let number = source.number(of: code) else { continue }
            self.groups.append(group)
            values.append(number.double)
        }
    }

    mutating func merge(_ other: any Accumulator, mapping: [UInt32?], bound: Int, _ source: any ValueSource) {
        guard let other = other as? RankAccumulator else { return }
        for (number, value) in zip(other.groups, other.values) {
            guard let group = mapping[Int(number)] else { continue }
            groups.append(group)
            values.append(value)
        }
    }

    mutating func merge(whole other: any Accumulator, mapping: [UInt32], bound: Int) {
        guard let other = other as? RankAccumulator else { return }
        for group in other.groups { groups.append(mapping[Int(group)]) }
        values.append(contentsOf: other.values)
    }

    mutating func result(_ group: UInt32) -> QueryValue {
        let starts = arranged()
        guard Int(group) + 1 < starts.count else { return .absent }
        let range = starts[Int(group)]..<starts[Int(group) + 1]
        guard !range.isEmpty else { return .absent }
        // ⌈percent × n ÷ 100⌉, counted from 1.
        let rank = (percent * range.count + 99) / 100
        return QueryValue(values[range.lowerBound + max(rank, 1) - 1])
    }

    private mutating func arranged() -> [Int] {
        if let starts { return starts }
        var starts = [Int](repeating: 0, count: Int(groups.max() ?? 0) + 2)
        for group in groups { starts[Int(group) + 1] += 1 }
        for position in 1..<starts.count { starts[position] += starts[position - 1] }
        var next = starts
        var arranged = values
        for (group, value) in zip(groups, values) {
            arranged[next[Int(group)]] = value
            next[Int(group)] += 1
        }
        for position in 0..<starts.count - 1 { arranged[starts[position]..<starts[position + 1]].sort() }
        values = arranged
        groups = []
        self.starts = starts
        return starts
    }
}
