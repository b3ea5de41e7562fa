import EventModel

/// Tells the disk at once of what rebuilding some records reads here and there: the blocks that hold them, then the codes of their
/// columns, then the values that these name. Without it each place is waited for by itself.
struct RecordPrefetch {
    /// Blocks that are told of at most: beyond, the disk reads as much as it can anyway, and what is read ahead could be gone
    /// again before its turn. With some thirty columns, a hundred megabytes.
    static let maximumBlocks = 4_096
    /// Of so many blocks one is looked at, whether it is in memory.
    private static let blocksPerProbe = 16

    private let reader: SegmentReader
    /// Those that hold wanted rows, ascending.
    let blocks: [BlockEntry]
    private let next: (Int) -> Int?
    private let records: SegmentSection

    /// - Parameter next: the first of the wanted rows from a row on.
    init(_ reader: SegmentReader, atMost limit: Int = Self.maximumBlocks, next: @escaping (Int) -> Int?) throws {
        guard let records = reader.section(.records) else {
            throw SegmentFault(file: reader.name, section: "records", offset: 0, reason: "is not there").error
        }
        self.reader = reader
        self.records = records
        self.next = next
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

    /// The wanted rows in the blocks.
    var rows: [Int] {
        var rows: [Int] = []
        for block in blocks {
            let end = Int(block.firstRow) + Int(block.rowCount)
            var row = next(Int(block.firstRow))
            while let wanted = row, wanted < end {
                rows.append(wanted)
                row = next(wanted + 1)
            }
        }
        return rows
    }

    /// Tells the disk, unless what is wanted seems to be in memory. Cost then: a system call for each sixteenth block.
    ///
    /// - Parameter fields: the fields of which columns are read, by their numbers; nil for all.
    func run(fields: Set<UInt8>? = nil) {
        guard reader.isFile else { return }
        let probes = stride(from: 0, to: blocks.count, by: Self.blocksPerProbe)
        guard probes.contains(where: { !reader.storage.isResident(bytes(of: blocks[$0])) }) else { return }
        tell(fields: fields)
    }

    /// Tells the disk.
    func tell(fields: Set<UInt8>? = nil) {
        for block in blocks { reader.storage.prefetch(bytes(of: block)) }
        let columns = Field.allCases.compactMap { field in
            field.isColumnar && fields?.contains(field.rawValue) != false ? ColumnPrefetch(reader, field) : nil
        }
        // What one place says of where the next is has to be there: so all columns' places of one kind, then those of the next.
        let rows = columns.isEmpty ? [] : rows
        for column in columns { column.tellStarts(of: rows) }
        for column in columns { column.tellCodes(of: rows) }
        for column in columns { column.tellOffsets(of: rows) }
        for column in columns { column.tellValues(of: rows) }
    }

    private func bytes(of block: BlockEntry) -> Range<Int> {
        let first = Int(records.offset + block.offset)
        return first..<first + Int(block.compressedBytes)
    }
}
