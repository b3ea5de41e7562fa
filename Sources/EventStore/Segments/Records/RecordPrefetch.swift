import EventModel

/// Tells the disk at once of what rebuilding some records reads here and there: the blocks that hold them, the codes of their
/// columns, and dictionaries of which most is needed. Without it each place is waited for by itself.
struct RecordPrefetch {
    /// Blocks that are told of at most: beyond, the disk reads as much as it can anyway, and what is read ahead could be gone
    /// again before its turn. With some thirty columns, a hundred megabytes.
    static let maximumBlocks = 4_096
    /// Of so many blocks one is looked at, whether it is in memory.
    private static let blocksPerProbe = 16

    private let reader: SegmentReader
    /// Those that hold wanted rows, ascending.
    let blocks: [BlockEntry]
    private let records: SegmentSection

    /// - Parameter next: the first of the wanted rows from a row on.
    init(_ reader: SegmentReader, atMost limit: Int = Self.maximumBlocks, next: (Int) -> Int?) throws {
        guard let records = reader.section(.records) else {
            throw SegmentFault(file: reader.name, section: "records", offset: 0, reason: "is not there").error
        }
        self.reader = reader
        self.records = records
        let entries = try reader.required(.blocks).bindMemory(to: BlockEntry.self)
        var blocks: [BlockEntry] = []
        var row = next(0)
        while let wanted = row, blocks.count < limit {
            let block = entries[entries.position(ofBlockHolding: wanted)]
            blocks.append(block)
            row = next(Int(block.firstRow) + Int(block.rowCount))
        }
        self.blocks = blocks
    }

    /// Tells the disk, unless what is wanted seems to be in memory. Cost then: a system call for each sixteenth block.
    func run() {
        guard reader.isFile else { return }
        let probes = stride(from: 0, to: blocks.count, by: Self.blocksPerProbe)
        guard probes.contains(where: { !reader.storage.isResident(bytes(of: blocks[$0])) }) else { return }
        tell()
    }

    /// Tells the disk.
    func tell() {
        for block in blocks { reader.storage.prefetch(bytes(of: block)) }
        let rowCount = blocks.reduce(0) { $0 + Int($1.rowCount) }
        for field in Field.allCases where field.isColumnar {
            // Where rows have several values, where their codes are is read first.
            if let starts = reader.section(.rowStarts, field) {
                prefetch(starts, width: 4)
            } else if let codes = reader.section(.codes, field), codes.width > 0 {
                prefetch(codes, width: Int(codes.width))
            }
            // Values stand in their own order, so that rows are everywhere: with a row for each page, two pages of three are read.
            for kind in [SectionKind.valueOffsets, .values] {
                guard let section = reader.section(kind, field), section.pageCount <= rowCount else { continue }
                reader.storage.prefetch(section.range)
            }
        }
    }

    private func bytes(of block: BlockEntry) -> Range<Int> {
        let first = Int(records.offset + block.offset)
        return first..<first + Int(block.compressedBytes)
    }

    /// What a section with a number for each row has of the blocks' rows. Neighbours are told of together.
    private func prefetch(_ section: SegmentSection, width: Int) {
        let page = SegmentSection.pageBytes
        var open: Range<Int>?
        for block in blocks {
            // Whole pages: so they are checked.
            let first = Int(block.firstRow) * width / page * page
            let end = (Int(block.firstRow + block.rowCount) * width + page - 1) / page * page
            guard first < Int(section.length) else { continue }
            let start = section.range.lowerBound
            let range = start + first..<min(start + end, section.range.upperBound)
            if let before = open, range.lowerBound <= before.upperBound {
                open = before.lowerBound..<max(before.upperBound, range.upperBound)
            } else {
                if let open { reader.storage.prefetch(open) }
                open = range
            }
        }
        if let open { reader.storage.prefetch(open) }
    }
}
