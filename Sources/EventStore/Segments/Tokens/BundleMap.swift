import EventModel
import Journal

/// The bundles that a segment's rows belong to, by ordinals: the first has 0, the next that has a row 1, and so on.
struct BundleMap: Sendable {
    let count: Int
    let rowCount: Int
    let first: UInt64
    let last: UInt64
    private let firstIndex: UInt64
    /// The first row of each bundle, where leaf indexes have gaps.
    private let starts: [UInt32]?

    init(_ reader: SegmentReader) throws {
        rowCount = reader.rowCount
        firstIndex = reader.header.firstIndex
        first = JournalBundle.number(of: firstIndex)
        last = JournalBundle.number(of: reader.header.lastIndex)
        guard !reader.isDense else {
            starts = nil
            count = Int(last - first) + 1
            return
        }
        var index = try reader.leafIndexes()
        var starts: [UInt32] = []
        var bundle: UInt64?
        for row in 0..<rowCount {
            let own = JournalBundle.number(of: index(row).rawValue)
            if own != bundle { starts.append(UInt32(row)) }
            bundle = own
        }
        count = starts.count
        self.starts = starts
    }

    /// The rows of a bundle's ordinal below ``count``.
    func rows(of ordinal: Int) -> Range<Int> { start(of: ordinal)..<start(of: ordinal + 1) }

    private func start(of ordinal: Int) -> Int {
        guard ordinal < count else { return rowCount }
        if let starts { return Int(starts[ordinal]) }
        return ordinal == 0 ? 0 : Int((first + UInt64(ordinal)) * 256 - firstIndex)
    }
}

extension RowSet {
    /// The rows of some bundles.
    init(of bundles: BundleSet, _ map: BundleMap) {
        self.init(rowCount: map.rowCount)
        bundles.forEach { insert(map.rows(of: $0)) }
    }
}

/// A set of ordinals of bundles.
struct BundleSet: Sendable {
    let universe: Int
    private var words: [UInt64]

    init(universe: Int) {
        self.universe = universe
        words = [UInt64](repeating: 0, count: (universe + 63) / 64)
    }

    @inline(__always)
    mutating func insert(_ ordinal: UInt32) { words[Int(ordinal >> 6)] |= 1 << UInt64(ordinal & 63) }

    mutating func formIntersection(_ other: BundleSet) {
        for position in words.indices { words[position] &= other.words[position] }
    }

    mutating func formUnion(_ other: BundleSet) {
        for position in words.indices { words[position] |= other.words[position] }
    }

    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    func forEach(_ body: (Int) -> Void) {
        for position in words.indices {
            var word = words[position]
            while word != 0 {
                body(position * 64 + word.trailingZeroBitCount)
                word &= word - 1
            }
        }
    }
}
