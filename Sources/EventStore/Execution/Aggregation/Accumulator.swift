import EventModel
import QueryLanguage

/// One aggregate over all groups. The same kind serves inside a segment, where values are codes of a source, and for the
/// whole search, into which the segments are merged.
protocol Accumulator: Sendable {
    /// Adds the rows that the source has just loaded; `groups` has the group number of each, all below `bound`.
    mutating func add(_ groups: [UInt32], bound: Int, _ source: any ValueSource)

    /// Adds what was gathered inside a segment. `mapping[n]` is the whole search's number of the segment's group n, nil
    /// when the group has no rows.
    mutating func merge(_ other: any Accumulator, mapping: [UInt32?], bound: Int, _ source: any ValueSource)

    /// Adds what another task has merged. `mapping[n]` is the number here of its group n.
    mutating func merge(whole other: any Accumulator, mapping: [UInt32], bound: Int)

    /// The value of a group.
    mutating func result(_ group: UInt32) -> QueryValue

    /// How many values are kept, against the limits of a search.
    var keptValues: Int { get }

    /// What it takes of memory, roughly.
    var heldBytes: Int { get }
}

enum Accumulators {
    /// The accumulator of a function; `count` needs none, because groups count their rows.
    static func make(_ function: AggregateFunction) -> (any Accumulator)? {
        switch function {
        case .count: nil
        case .dcount: DistinctAccumulator()
        case .min: ExtremeAccumulator(isMaximum: false)
        case .max: ExtremeAccumulator(isMaximum: true)
        case .sum: SumAccumulator(isAverage: false)
        case .avg: SumAccumulator(isAverage: true)
        case .p50: RankAccumulator(percent: 50)
        case .p95: RankAccumulator(percent: 95)
        case .p99: RankAccumulator(percent: 99)
        }
    }
}

extension Array {
    /// Grows to a length.
    mutating func extend(to length: Int, with element: Element) {
        if count < length { append(contentsOf: repeatElement(element, count: length - count)) }
    }
}
