import CZstd
import DurableFiles
import EventModel

/// Decompresses blocks of one segment, keeping the last, and expands what is stored in them or rebuilds its sealed forms.
final class BlockDecoder {
    /// A block is one record beyond ``BlockCompressor/plainBytesPerBlock`` at most; a file that says more is damaged.
    static let maximumPlainBytes = 1 << 28

    private let reader: SegmentReader
    private let entries: UnsafeBufferPointer<BlockEntry>
    private let records: SegmentSection
    private let context: OpaquePointer
    /// How the digests of payloads begin; nil where no record has one.
    private let digestStarts: PagedSection?
    private let lengths = SegmentMemory(capacity: BlockCompressor.maximumLengthBytes)
    private let texts = SegmentMemory(capacity: 1 << 18)
    private let digits = SegmentMemory(capacity: 1 << 16)
    private var rowEnds = GrowableMemory<StoredBlock.RowEnds>(capacity: BlockCompressor.rowsPerBlock)
    private var current: StoredBlock?
    /// Made when the first record is asked for: whoever copies blocks needs none.
    private lazy var rebuilder: Result<RecordRebuilder, any Error> = Result { try RecordRebuilder(reader) }
    private let expanded = SegmentMemory(capacity: 1 << 14)
    private let rebuilt = SegmentMemory(capacity: 1 << 14)
    /// Of the records of a block that were expanded or rebuilt.
    private let ends = SegmentMemory(capacity: 4_096)
    /// Compressed bytes of the records that were read and are still resident, from the first to the last.
    private var resident: Range<Int>?
    /// So many are let go together. A walk over everything would else make the whole file resident.
    private static let residentBytes = 4 << 20
    /// The block that was read last.
    private var last = -2
    /// What is read ahead where blocks are read in order: several reads of a disk's best size.
    private static let bytesAhead = 1 << 20

    init(_ reader: SegmentReader) throws {
        self.reader = reader
        entries = try reader.required(.blocks).bindMemory(to: BlockEntry.self)
        guard let records = reader.section(.records) else {
            throw SegmentFault(file: reader.name, section: "records", offset: 0, reason: "is not there").error
        }
        self.records = records
        guard let context = ZSTD_createDCtx() else {
            throw EventStoreError(.exhausted, "no memory for a decompressor")
        }
        self.context = context
        digestStarts = PagedSection(reader, .digestStarts)
    }

    deinit {
        ZSTD_freeDCtx(context)
        rowEnds.free()
        digestStarts?.free()
        if let resident { reader.noteTouched(resident) }
    }

    /// Notes a block that is about to be read, and lets go of those before it when they have become many.
    private func noteResident(_ bytes: Range<Int>) {
        if let before = resident, before.count >= Self.residentBytes {
            reader.storage.release(before)
            resident = nil
        }
        resident = resident.map { min($0.lowerBound, bytes.lowerBound)..<max($0.upperBound, bytes.upperBound) } ?? bytes
    }

    /// Has a block read at once; where blocks are read in order, with those that follow.
    private func tellDisk(of number: Int, _ range: Range<Int>) {
        defer { last = number }
        guard !reader.storage.isResident(range) else { return }
        guard number == last + 1 else { return reader.storage.prefetch(range) }
        let end = min(range.lowerBound + Self.bytesAhead, records.range.upperBound)
        reader.storage.prefetch(range.lowerBound..<max(end, range.upperBound))
    }

    var blockCount: Int { entries.count }

    func entry(_ number: Int) -> BlockEntry { entries[number] }

    /// The sealed form of a row. Valid until the next call.
    func record(ofRow row: Int) throws -> SealedView {
        let text = try text(ofRow: row)
        rebuilt.removeAll()
        try rebuilder.get().append(text, row: row, to: rebuilt)
        do {
            return try SealedView(rebuilt.bytes)
        } catch let error as EventModelError {
            throw reader.fault(records, "row \(row): \(error.reason)").error
        }
    }

    /// What is stored of a row, expanded: all text of its record that no column holds. Valid until the next call.
    func text(ofRow row: Int) throws -> UnsafeRawBufferPointer {
        let block = try stored(holding: row)
        expanded.removeAll()
        try rebuilder.get().expand(block.text(ofRow: row), row: row, to: expanded)
        return expanded.bytes
    }

    /// What a mark of a row's text stands for, where a column has it; nil for any other. Valid until the next call.
    func value(of mark: PackedMark, row: Int) throws -> UnsafeRawBufferPointer? {
        guard let field = mark.field else { return nil }
        return try rebuilder.get().columns.value(of: field, element: mark.element, row: row)
    }

    /// The digest of a row's payload where its record has it as an entry that is not stored; nil for any other. Valid until the next
    /// call.
    func digest(ofRow row: Int) throws -> UnsafeRawBufferPointer? {
        try rebuilder.get().digest(of: text(ofRow: row), row: row)
    }

    /// How the digest of a row's payload begins (``PayloadDigest/start(of:)``); nil where the segment does not tell.
    func digestStart(ofRow row: Int) throws -> UInt16? {
        try digestStarts.map {
            UInt16(littleEndian: try $0.bytes(row * 2, 2, of: reader).loadUnaligned(as: UInt16.self))
        }
    }

    /// The sealed forms of the block that holds a row. Valid until the next call.
    func block(holding row: Int) throws -> RecordBlock {
        try records(ofBlockHolding: row, in: rebuilt) { row in
            try rebuilder.get().append(text(ofRow: row), row: row, to: rebuilt)
        }
    }

    /// What is stored in the block that holds a row, expanded. Valid until the next call.
    func texts(holding row: Int) throws -> RecordBlock {
        let block = try stored(holding: row)
        return try records(ofBlockHolding: row, in: expanded) { row in
            try rebuilder.get().expand(block.text(ofRow: row), row: row, to: expanded)
        }
    }

    /// All that `append` appends for the rows of a block.
    private func records(
        ofBlockHolding row: Int, in memory: SegmentMemory, _ append: (Int) throws -> Void
    ) throws -> RecordBlock {
        let block = try stored(holding: row)
        memory.removeAll()
        ends.removeAll()
        for row in block.rows {
            try append(row)
            withUnsafeBytes(of: UInt32(memory.count).littleEndian) { ends.append($0) }
        }
        return RecordBlock(
            firstRow: block.firstRow, rowCount: block.rows.count, bytes: memory.bytes, ends: ends.bytes)
    }

    /// What is stored in the block that holds a row (``RecordForm``). Valid until the next call.
    func stored(holding row: Int) throws -> StoredBlock {
        if let current, current.rows.contains(row) { return current }
        return try stored(entries.position(ofBlockHolding: row))
    }

    /// The compressed bytes of a block, checked.
    func compressed(_ number: Int) throws -> UnsafeRawBufferPointer {
        let entry = entries[number]
        let start = Int(records.offset + entry.offset)
        let range = start..<start + Int(entry.compressedBytes)
        noteResident(range)
        tellDisk(of: number, range)
        let bytes = reader.storage.bytes.slice(range)
        guard !reader.storage.isFile || Checksum.of(bytes) == entry.checksum else {
            throw fault(entry, "checksum mismatch")
        }
        return bytes
    }

    /// What is stored in a block by its number. Valid until the next call.
    func stored(_ number: Int) throws -> StoredBlock {
        current = nil
        let entry = entries[number]
        let source = try compressed(number)
        // A text is twice as long as what it stands for at most, where all of it is escaped.
        let textLimit = min(Int(entry.plainBytes) * 2, Self.maximumPlainBytes)
        var rest = try decompressFrame(of: source, to: lengths, atMost: BlockCompressor.maximumLengthBytes, entry)
        rest = try decompressFrame(of: rest, to: texts, atMost: textLimit, entry)
        digits.removeAll()
        if !rest.isEmpty { try decompress(rest, to: digits, atMost: Int(entry.plainBytes), entry) }
        try readLengths(entry)
        let block = StoredBlock(
            firstRow: Int(entry.firstRow), plainBytes: Int(entry.plainBytes), texts: texts.bytes,
            digits: digits.bytes, rowEnds: rowEnds.buffer)
        current = block
        return block
    }

    /// Decompresses the first frame of some bytes and returns those behind it.
    private func decompressFrame(
        of source: UnsafeRawBufferPointer, to memory: SegmentMemory, atMost limit: Int, _ entry: BlockEntry
    ) throws -> UnsafeRawBufferPointer {
        let size = ZSTD_findFrameCompressedSize(source.baseAddress, source.count)
        guard ZSTD_isError(size) == 0, size <= source.count else { throw fault(entry, "has no frame") }
        try decompress(source.slice(0..<size), to: memory, atMost: limit, entry)
        return source.slice(size..<source.count)
    }

    private func decompress(
        _ frame: UnsafeRawBufferPointer, to memory: SegmentMemory, atMost limit: Int, _ entry: BlockEntry
    ) throws {
        let size = ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
        guard size <= UInt64(limit), entry.plainBytes <= Self.maximumPlainBytes else {
            throw fault(entry, "claims too many bytes")
        }
        memory.removeAll()
        memory.reserve(Int(size))
        let written = ZSTD_decompressDCtx(context, memory.start, Int(size), frame.baseAddress, frame.count)
        guard ZSTD_isError(written) == 0, written == Int(size) else { throw fault(entry, "cannot be decompressed") }
        memory.commit(Int(size))
    }

    /// Reads the lengths of the rows' texts and digits into `rowEnds`.
    private func readLengths(_ entry: BlockEntry) throws {
        let source = lengths.bytes
        var position = 0
        let count = Int(entry.rowCount)
        // Each row has three lengths: whoever claims more rows is not believed.
        guard count <= source.count / 3 else { throw fault(entry, "has records of wrong lengths") }
        rowEnds.removeAll()
        rowEnds.append(StoredBlock.RowEnds(text: 0, digits: 0, plain: 0), repeated: count)
        func readEnds(atMost limit: Int, _ note: (Int, Int) -> Void) throws {
            var end = 0
            for row in 0..<count {
                guard let length = Varint.read(source, at: &position), length <= UInt64(limit - end) else {
                    throw fault(entry, "has records of wrong lengths")
                }
                end += Int(length)
                note(row, end)
            }
        }
        let rows = rowEnds.start
        try readEnds(atMost: Int(entry.plainBytes)) { rows[$0].plain = $1 }
        try readEnds(atMost: texts.count) { rows[$0].text = $1 }
        try readEnds(atMost: digits.count) { rows[$0].digits = $1 }
        let last = rowEnds[count - 1]
        guard position == source.count, last.plain == Int(entry.plainBytes), last.text == texts.count,
            last.digits == digits.count
        else { throw fault(entry, "has records that do not fill it") }
    }

    private func fault(_ entry: BlockEntry, _ reason: String) -> EventStoreError {
        reader.fault(records, at: records.offset + entry.offset, "rows from \(entry.firstRow): \(reason)").error
    }
}

extension UnsafeBufferPointer<BlockEntry> {
    /// The place of the block that holds a row of the segment.
    func position(ofBlockHolding row: Int) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if Int(self[middle].firstRow) + Int(self[middle].rowCount) <= row {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}
