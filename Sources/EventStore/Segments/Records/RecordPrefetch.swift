import EventModel

/// Tells the disk at once of what rebuilding some records reads here and there: the blocks that hold them, and the codes of their
/// columns. Without it each place is waited for by itself, and a place in a column brings 128 KiB of rows that nobody asked for.
struct RecordPrefetch {
    /// Blocks that are told of at most: beyond, the disk reads as much as it can anyway, and what is read ahead could be gone
    /// again before its turn. With some thirty columns, a hundred megabytes.
    static let maximumBlocks = 4_096
    /// Of so many blocks one is looked at, whether it is in memory.
    private static let blocksPerProbe = 16

    private let reader: SegmentReader
    private let blocks: [BlockEntry]

    /// - Parameter next: the first of the wanted rows from a row on.
    init(_ reader: SegmentReader, next: (Int) -> Int?) throws {
        self.reader = reader
        let entries = try reader.required(.blocks).bindMemory(to: BlockEntry.self)
        var blocks: [BlockEntry] = []
        var number = 0
        var row = next(0)
        while let wanted = row, blocks.count < Self.maximumBlocks {
            // Candidates are few or close together: from one block to the next it is never far.
            var step = 1
            while number + step < entries.count, Int(entries[number + step].firstRow) <= wanted { step *= 2 }
            var (low, high) = (number + step / 2, min(number + step, entries.count))
            while low + 1 < high {
                let middle = (low + high) / 2
                if Int(entries[middle].firstRow) <= wanted { low = middle } else { high = middle }
            }
            blocks.append(entries[low])
            number = low
            row = next(Int(entries[low].firstRow) + Int(entries[low].rowCount))
        }
        self.blocks = blocks
    }

    /// Tells the disk, unless what is wanted seems to be in memory. Cost then: a system call for each sixteenth block.
    func run() {
        guard reader.isFile, let records = reader.section(.records) else { return }
        let start = Int(records.offset)
        func bytes(_ block: BlockEntry) -> Range<Int> {
            let first = start + Int(block.offset)
            return first..<min(first + Int(block.compressedBytes), records.range.upperBound)
        }
        let probes = stride(from: 0, to: blocks.count, by: Self.blocksPerProbe)
        guard probes.contains(where: { !reader.storage.isResident(bytes(blocks[$0])) }) else { return }
        for block in blocks { reader.storage.prefetch(bytes(block)) }
        for field in Field.allCases where field.isColumnar {
            // Where rows have several values, where their codes are is read first.
            if let starts = reader.section(.rowStarts, field) {
                prefetch(starts, width: 4)
            } else if let codes = reader.section(.codes, field), codes.width > 0 {
                prefetch(codes, width: Int(codes.width))
            }
        }
    }

    /// The numbers of the blocks' rows in a section that has one for each row. Neighbours are told of together.
    private func prefetch(_ section: SegmentSection, width: Int) {
        var open: Range<Int>?
        for block in blocks {
            let first = section.range.lowerBound + Int(block.firstRow) * width
            // Whole pages, which is what is checked.
            let page = SegmentSection.pageBytes
            let start = section.range.lowerBound
            let range = start + (first - start) / page * page..<min(
                start + (first + Int(block.rowCount) * width - start + page - 1) / page * page, section.range.upperBound)
            guard !range.isEmpty else { continue }
            if let before = open, range.lowerBound - before.upperBound < SegmentSection.pageBytes {
                open = before.lowerBound..<range.upperBound
            } else {
                if let open { reader.storage.prefetch(open) }
                open = range
            }
        }
        if let open { reader.storage.prefetch(open) }
    }
}
