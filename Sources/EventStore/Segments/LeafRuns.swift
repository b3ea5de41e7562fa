import EventModel

/// Leaf indexes with few gaps: the rows at which a run begins whose indexes follow one another. docs/format/segment.md §4.
///
/// Most gaps are events of another class or day that were committed in between, so that a segment has few. Cost of a look-up:
/// constant where rows are asked for in order, else logarithmic in the runs.
struct LeafRuns {
    /// Of one run: its first row, and that row's leaf index less the segment's first, u64 each.
    static let entryBytes = 16

    private let words: UnsafeBufferPointer<UInt64>
    /// The run of the row that was asked for last.
    private var current = 0

    /// - Parameter bytes: of a section that is sound; aligned to 8 bytes.
    init(_ bytes: UnsafeRawBufferPointer) { words = bytes.bindMemory(to: UInt64.self) }

    var count: Int { words.count / 2 }
    func row(_ run: Int) -> Int { Int(truncatingIfNeeded: UInt64(littleEndian: words[run * 2])) }
    func offset(_ run: Int) -> UInt64 { UInt64(littleEndian: words[run * 2 + 1]) }

    /// A row's leaf index less the segment's first.
    mutating func offset(ofRow row: Int) -> UInt64 {
        if current + 1 < count, self.row(current + 1) <= row { current += 1 }
        let follows = self.row(current) <= row && (current + 1 == count || row < self.row(current + 1))
        if !follows { current = run { self.row($0) <= row } }
        return offset(current) + UInt64(row - self.row(current))
    }

    /// The row with a leaf index, given less the segment's first; nil when it is in a gap.
    func row(ofOffset wanted: UInt64, rowCount: Int) -> Int? {
        let run = run { offset($0) <= wanted }
        let row = row(run) + Int(clamping: wanted - offset(run))
        return row < (run + 1 < count ? self.row(run + 1) : rowCount) ? row : nil
    }

    /// The last run for which something holds that holds for the first and, once it does not, for none behind.
    private func run(_ holds: (Int) -> Bool) -> Int {
        var (low, high) = (1, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(middle) { low = middle + 1 } else { high = middle }
        }
        return low - 1
    }

    /// Whether runs begin with the first row, ascend in rows and indexes with a gap before each, and end with the last index.
    func isSound(rowCount: Int, span: UInt64) -> Bool {
        guard count > 0, row(0) == 0, offset(0) == 0 else { return false }
        for run in 1..<max(count, 1) {
            guard row(run) > row(run - 1), row(run) < rowCount, offset(run) > offset(run - 1),
                offset(run) - offset(run - 1) > UInt64(row(run) - row(run - 1))
            else { return false }
        }
        return offset(count - 1) <= span && span - offset(count - 1) == UInt64(rowCount - 1 - row(count - 1))
    }
}

extension SegmentComposer {
    /// Writes the leaf indexes, unless they are dense: as runs where these take less room, else as offsets from the first.
    func leafIndexes(_ header: SegmentHeader, _ index: (Int) throws -> UInt64) throws {
        let span = header.lastIndex - header.firstIndex
        guard span != UInt64(header.rowCount - 1) else { return }
        let width = span <= UInt64(UInt32.max) ? 4 : 8
        let most = (header.rowCount * width - 1) / LeafRuns.entryBytes
        var runs: [UInt64] = []
        var next: UInt64?
        for row in 0..<header.rowCount {
            let offset = try index(row) - header.firstIndex
            if offset != next {
                runs += [UInt64(row).littleEndian, offset.littleEndian]
                if runs.count > most * 2 { break }
            }
            next = offset + 1
        }
        guard runs.count > most * 2 else {
            return try section(.leafIndexes) {
                try runs.withUnsafeBytes { try append($0) }
                return header.rowCount
            }
        }
        try section(.leafIndexes, width: width) {
            for row in 0..<header.rowCount {
                let offset = try index(row) - header.firstIndex
                if width == 4 {
                    try withUnsafeBytes(of: UInt32(offset).littleEndian) { try append($0) }
                } else {
                    try withUnsafeBytes(of: offset.littleEndian) { try append($0) }
                }
            }
            return header.rowCount
        }
    }
}
