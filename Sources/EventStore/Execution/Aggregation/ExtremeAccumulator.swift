import EventModel

/// `min` and `max`: the first or last value in ``QueryValue/order(_:_:)``, which puts numbers before text. Absent without
/// a value.
struct ExtremeAccumulator: Accumulator {
    let isMaximum: Bool
    /// Inside a segment: the code of the best value; 0 for none.
    private var codes: [UInt32] = []
    private var integers: [Int64?] = []
    /// For the whole search.
    private var values: [QueryValue] = []

    init(isMaximum: Bool) { self.isMaximum = isMaximum }

    var keptValues: Int { 0 }
    var heldBytes: Int { codes.count * 4 + integers.count * 16 + values.count * QueryValue.ownBytes + textBytes }
    /// Of the values kept.
    private var textBytes = 0

    mutating func add(_ groups: [UInt32], bound: Int, _ source: any ValueSource) {
        if let values = source.integers {
            integers.extend(to: bound, with: nil)
            for (group, value) in zip(groups, values) {
                let best = integers[Int(group)] ?? value
                integers[Int(group)] = isMaximum ? max(best, value) : min(best, value)
            }
            return
        }
        codes.extend(to: bound, with: 0)
        for (group, code) in zip(groups, source.codes) {
            let best = codes[Int(group)]
            guard code != 0, code != best else { continue }
            if best == 0 || isBetter(source.value(of: code), than: source.value(of: best)) { codes[Int(group)] = code }
        }
    }

    private func isBetter(_ value: QueryValue, than best: QueryValue) -> Bool {
        let order = QueryValue.order(value, best)
        return isMaximum ? order > 0 : order < 0
    }

    mutating func merge(_ other: any Accumulator, mapping: [UInt32?], bound: Int, _ source: any ValueSource) {
        guard let other = other as? ExtremeAccumulator else { return }
        values.extend(to: bound, with: .absent)
        for (number, code) in other.codes.enumerated() where code != 0 {
            if let group = mapping[number] { offer(source.value(of: code), group) }
        }
        for (number, integer) in other.integers.enumerated() {
            if let group = mapping[number], let integer { offer(source.value(ofInteger: integer), group) }
        }
    }

    mutating func merge(whole other: any Accumulator, mapping: [UInt32], bound: Int) {
        guard let other = other as? ExtremeAccumulator else { return }
        values.extend(to: bound, with: .absent)
        for (number, value) in other.values.enumerated() where value != .absent { offer(value, mapping[number]) }
    }

    private mutating func offer(_ value: QueryValue, _ group: UInt32) {
        let best = values[Int(group)]
        guard best == .absent || isBetter(value, than: best) else { return }
        values[Int(group)] = value
        textBytes += value.heldBytes - best.heldBytes
    }

    func result(_ group: UInt32) -> QueryValue { Int(group) < values.count ? values[Int(group)] : .absent }
}
