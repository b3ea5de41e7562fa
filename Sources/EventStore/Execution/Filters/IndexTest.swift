import EventModel
import QueryLanguage

/// A test of the leaf index. Rows are in its order, so a range of indexes is found by its two ends; whole segments are ruled out
/// without a look at their rows.
struct IndexTest: Sendable {
    private let predicate: ValuePredicate
    /// The matching indexes, when they are one range.
    private let range: Range<UInt64>?

    init(_ match: ValueMatch) {
        predicate = ValuePredicate(match)
        range = Self.range(of: match)
    }

    func matches(_ index: LeafIndex) -> Bool {
        if let range { return range.contains(index.rawValue) }
        var text = String(index.rawValue)
        return text.withUTF8 { predicate.matches(UnsafeRawBufferPointer($0)) }
    }

    /// False when no index of a segment can match.
    func admits(_ indexes: ClosedRange<LeafIndex>) -> Bool {
        guard let range else { return true }
        return !range.isEmpty && range.lowerBound <= indexes.upperBound.rawValue
            && range.upperBound > indexes.lowerBound.rawValue
    }

    /// The rows of a segment that match; nil when each has to be asked. Cost: O(log rows).
    func rows(of segment: any EventRows) throws -> Range<Int>? {
        guard let range else { return nil }
        guard admits(segment.indexes) else { return 0..<0 }
        return try Self.count(of: segment, before: range.lowerBound)..<Self.count(of: segment, before: range.upperBound)
    }

    /// How many rows have a smaller index.
    private static func count(of segment: any EventRows, before index: UInt64) throws -> Int {
        var (low, high) = (0, segment.rowCount)
        while low < high {
            let middle = (low + high) / 2
            if try segment.leafIndex(ofRow: middle).rawValue < index { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func range(of match: ValueMatch) -> Range<UInt64>? {
        let none: Range<UInt64> = 0..<0
        switch match {
        case .present: return 0..<UInt64.max
        case .compare(let comparison, .number(.integer(let number))):
            let index = UInt64(exactly: number)
            switch comparison {
            case .equal: return index.map { $0..<$0 + 1 } ?? none
            case .less: return index.map { 0..<$0 } ?? none
            case .lessOrEqual: return index.map { 0..<$0 + 1 } ?? none
            case .greater: return index.map { $0 + 1..<UInt64.max } ?? 0..<UInt64.max
            case .greaterOrEqual: return (index ?? 0)..<UInt64.max
            }
        case .range(.number(.integer(let first)), .number(.integer(let last))):
            return last < 0 ? none : UInt64(max(0, first))..<UInt64(last) + 1
        default: return nil
        }
    }
}
