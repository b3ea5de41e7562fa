import EventModel
import QueryLanguage

/// `sum` and `avg` of the values that are numbers; others do not take part. Without a number the result is absent.
///
/// Whole numbers are summed exactly in 128 bits, others with Neumaier's compensation, so that the order in which segments
/// arrive does not show.
struct SumAccumulator: Accumulator {
    private struct Sum {
        var whole: Int128 = 0
        var fraction = 0.0
        var compensation = 0.0
        var count = 0
        var isWhole = true

        mutating func add(_ number: QueryNumber, times: Int = 1) {
            count += 1
            switch number {
            case .integer(let value): whole += Int128(value)
            case .decimal(let value): addFraction(value)
            }
        }

        mutating func add(_ other: Sum) {
            whole += other.whole
            count += other.count
            if !other.isWhole {
                addFraction(other.fraction)
                compensation += other.compensation
            }
        }

        private mutating func addFraction(_ value: Double) {
            isWhole = false
            let sum = fraction + value
            compensation += abs(fraction) >= abs(value) ? (fraction - sum) + value : (value - sum) + fraction
            fraction = sum
        }

        var total: Double { Double(whole) + fraction + compensation }
    }

    let isAverage: Bool
    private var sums: [Sum] = []

    init(isAverage: Bool) { self.isAverage = isAverage }

    var keptValues: Int { 0 }
    var heldBytes: Int { sums.count * MemoryLayout<Sum>.stride }

    mutating func add(_ groups: [UInt32], bound: Int, _ source: any ValueSource) {
        sums.extend(to: bound, with: Sum())
        if let integers = source.integers {
            for (group, integer) in zip(groups, integers) { sums[Int(group)].add(.integer(integer)) }
            return
        }
        for (group, code) in zip(groups, source.codes) {
            if let number = source.number(of: code) { sums[Int(group)].add(number) }
        }
    }

    mutating func merge(_ other: any Accumulator, mapping: [UInt32?], bound: Int, _ source: any ValueSource) {
        guard let other = other as? SumAccumulator else { return }
        sums.extend(to: bound, with: Sum())
        for (number, sum) in other.sums.enumerated() {
            if let group = mapping[number] { sums[Int(group)].add(sum) }
        }
    }

    mutating func merge(whole other: any Accumulator, mapping: [UInt32], bound: Int) {
        guard let other = other as? SumAccumulator else { return }
        sums.extend(to: bound, with: Sum())
        for (number, sum) in other.sums.enumerated() { sums[Int(mapping[number])].add(sum) }
    }

    func result(_ group: UInt32) -> QueryValue {
        guard Int(group) < sums.count, sums[Int(group)].count > 0 else { return .absent }
        let sum = sums[Int(group)]
        if isAverage { return QueryValue(sum.total / Double(sum.count)) }
        if sum.isWhole, let whole = Int64(exactly: sum.whole) { return .integer(whole) }
        return QueryValue(sum.total)
    }
}
