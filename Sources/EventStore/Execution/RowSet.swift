/// A set of rows of one segment: one bit for each row.
struct RowSet: Sendable {
    let rowCount: Int
    private(set) var words: [UInt64]

    /// No row.
    init(rowCount: Int) {
        self.rowCount = rowCount
        words = [UInt64](repeating: 0, count: (rowCount + 63) / 64)
    }

    /// Every row.
    init(allOf rowCount: Int) {
        self.rowCount = rowCount
        words = [UInt64](repeating: .max, count: (rowCount + 63) / 64)
        clearPadding()
    }

    private mutating func clearPadding() {
        let used = rowCount % 64
        if used > 0, !words.isEmpty { words[words.count - 1] &= (1 << UInt64(used)) - 1 }
    }

    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    func contains(_ row: Int) -> Bool { words[row >> 6] & (1 << UInt64(row & 63)) != 0 }
    mutating func insert(_ row: Int) { words[row >> 6] |= 1 << UInt64(row & 63) }

    mutating func insert(_ rows: Range<Int>) {
        guard !rows.isEmpty else { return }
        let (first, last) = (rows.lowerBound >> 6, (rows.upperBound - 1) >> 6)
        for position in first...last {
            var word = UInt64.max
            if position == first { word &= .max << UInt64(rows.lowerBound & 63) }
            if position == last { word &= .max >> UInt64(63 - (rows.upperBound - 1) & 63) }
            words[position] |= word
        }
    }

    /// The first row at or after another; nil when there is none.
    func first(from row: Int) -> Int? {
        guard row < rowCount else { return nil }
        var position = row >> 6
        var word = words[position] & (.max << UInt64(row & 63))
        while word == 0 {
            position += 1
            guard position < words.count else { return nil }
            word = words[position]
        }
        return position * 64 + word.trailingZeroBitCount
    }

    /// How many rows of a range are in the set.
    func count(in rows: Range<Int>) -> Int {
        guard !rows.isEmpty else { return 0 }
        let (first, last) = (rows.lowerBound >> 6, (rows.upperBound - 1) >> 6)
        var count = 0
        for position in first...last {
            var word = words[position]
            if position == first { word &= .max << UInt64(rows.lowerBound & 63) }
            if position == last { word &= .max >> UInt64(63 - (rows.upperBound - 1) & 63) }
            count += word.nonzeroBitCount
        }
        return count
    }

    mutating func formUnion(_ other: RowSet) {
        for position in words.indices { words[position] |= other.words[position] }
    }

    mutating func subtract(_ other: RowSet) {
        for position in words.indices { words[position] &= ~other.words[position] }
    }

    mutating func formIntersection(_ other: RowSet) {
        for position in words.indices { words[position] &= other.words[position] }
    }

    /// Keeps only rows of a range.
    mutating func formIntersection(_ range: Range<Int>) {
        for position in words.indices {
            let first = position * 64
            if first >= range.lowerBound, first + 64 <= range.upperBound { continue }
            var word = words[position]
            guard word != 0 else { continue }
            if first + 64 <= range.lowerBound || first >= range.upperBound {
                word = 0
            } else {
                if first < range.lowerBound { word &= .max << UInt64(range.lowerBound - first) }
                if first + 64 > range.upperBound { word &= (1 << UInt64(range.upperBound - first)) - 1 }
            }
            words[position] = word
        }
    }

    /// From the first row to the last; nil when there is none.
    var bounds: Range<Int>? {
        guard let first = words.firstIndex(where: { $0 != 0 }), let last = words.lastIndex(where: { $0 != 0 }) else {
            return nil
        }
        return first * 64 + words[first].trailingZeroBitCount..<last * 64 + 64 - words[last].leadingZeroBitCount
    }

    /// Replaces each word that is not empty by its rows for which `keep` gives a bit: `keep` gets the number of the word's
    /// first row and how many rows it has, 64 but for the last.
    @inline(__always)
    mutating func filterWords(_ keep: (_ firstRow: Int, _ count: Int) throws -> UInt64) rethrows {
        for position in words.indices where words[position] != 0 {
            let first = position * 64
            words[position] &= try keep(first, Swift.min(64, rowCount - first))
        }
    }

    /// Keeps of some words those rows for which `passes` gives 1 and not 0. It is asked for all rows of a word, 64 at a time,
    /// which the compiler does with vector instructions; the bytes' bits are gathered then.
    @inline(__always)
    mutating func keep(inWords range: Range<Int>, _ passes: (_ row: Int) -> UInt8) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 8) { gathered in
            guard let start = UnsafeMutableRawBufferPointer(gathered).baseAddress else { return }
            let flags = start.assumingMemoryBound(to: UInt8.self)
            for position in range where words[position] != 0 {
                let first = position * 64
                if first + 64 <= rowCount {
                    for offset in 0..<64 { flags[offset] = passes(first + offset) }
                } else {
                    let count = rowCount - first
                    for offset in 0..<64 { flags[offset] = offset < count ? passes(first + offset) : 0 }
                }
                words[position] &= Self.bits(ofFlags: gathered)
            }
        }
    }

    /// The lowest bits of 64 bytes that are 0 or 1, in their order.
    @inline(__always)
    private static func bits(ofFlags flags: UnsafeMutableBufferPointer<UInt64>) -> UInt64 {
        var bits: UInt64 = 0
        for part in 0..<8 {
            // Byte n times the n-th power of two from above ends in bit n of the highest byte; no two products meet.
            bits |= ((flags[part].littleEndian &* 0x0102_0408_1020_4080) >> 56) << UInt64(part * 8)
        }
        return bits
    }

    /// Drops the rows of some words.
    mutating func remove(words range: Range<Int>) {
        for position in range { words[position] = 0 }
    }

    /// Those rows of the set that are in a range.
    func limited(to rows: Range<Int>) -> RowSet {
        var limited = RowSet(rowCount: rowCount)
        guard !rows.isEmpty else { return limited }
        for position in rows.lowerBound >> 6...(rows.upperBound - 1) >> 6 { limited.words[position] = words[position] }
        limited.formIntersection(rows)
        return limited
    }

    /// The rows in ascending order.
    func forEach(_ body: (Int) throws -> Void) rethrows {
        for position in words.indices {
            var word = words[position]
            while word != 0 {
                try body(position * 64 + word.trailingZeroBitCount)
                word &= word - 1
            }
        }
    }

    /// How many batches of `size` consecutive rows, a multiple of 64, there are.
    func batchCount(of size: Int) -> Int { (rowCount + size - 1) / size }

    /// Replaces `rows` by those rows of the set that are in a batch of `size` consecutive ones, ascending.
    func fill(_ rows: inout [UInt32], fromBatch number: Int, of size: Int) {
        rows.removeAll(keepingCapacity: true)
        for position in number * (size / 64)..<Swift.min(words.count, (number + 1) * (size / 64)) {
            var word = words[position]
            let first = UInt32(truncatingIfNeeded: position * 64)
            if word == .max {
                rows.append(contentsOf: first..<first + 64)
                continue
            }
            while word != 0 {
                rows.append(first + UInt32(truncatingIfNeeded: word.trailingZeroBitCount))
                word &= word - 1
            }
        }
    }
}

extension RowSet: Sequence {
    struct Iterator: IteratorProtocol {
        private let words: [UInt64]
        private var position = 0
        private var word: UInt64

        init(_ words: [UInt64]) {
            self.words = words
            word = words.first ?? 0
        }

        mutating func next() -> Int? {
            while word == 0 {
                position += 1
                guard position < words.count else { return nil }
                word = words[position]
            }
            defer { word &= word - 1 }
            return position * 64 + word.trailingZeroBitCount
        }
    }

    func makeIterator() -> Iterator { Iterator(words) }
}
