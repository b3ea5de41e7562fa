import CZstd
import DurableFiles
import EventModel

/// Decompresses blocks of one segment, keeping the last, and rebuilds the sealed forms of what is stored in them.
final class BlockDecoder {
    /// A block is one record beyond ``BlockCompressor/plainBytesPerBlock`` at most; a file that says more is damaged.
    static let maximumPlainBytes = 1 << 28

    private let reader: SegmentReader
    private let entries: UnsafeBufferPointer<BlockEntry>
    private let records: SegmentSection
    private let context: OpaquePointer
    private let plain = SegmentMemory(capacity: 1 << 19)
    private let ends = SegmentMemory(capacity: BlockCompressor.rowsPerBlock * 4)
    private var current: RecordBlock?
    /// Made when the first record is asked for: whoever copies blocks needs none.
    private lazy var rebuilder: Result<RecordRebuilder, any Error> = Result { try RecordRebuilder(reader) }
    private let rebuilt = SegmentMemory(capacity: 1 << 14)
    private let rebuiltEnds = SegmentMemory(capacity: 4_096)
    /// Compressed bytes of the records that were read and are still resident, from the first to the last.
    private var resident: Range<Int>?
    /// So many are let go together. A walk over everything would else make the whole file resident.
    private static let residentBytes = 4 << 20

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
    }

    deinit {
        ZSTD_freeDCtx(context)
        reader.noteTouched(resident?.count ?? 0)
    }

    /// Notes a block that is about to be read, and lets go of those before it when they have become many.
    private func noteResident(_ bytes: Range<Int>) {
        if let before = resident, before.count >= Self.residentBytes {
            reader.storage.release(before)
            resident = nil
        }
        resident = resident.map { min($0.lowerBound, bytes.lowerBound)..<max($0.upperBound, bytes.upperBound) } ?? bytes
    }

    var blockCount: Int { entries.count }

    func entry(_ number: Int) -> BlockEntry { entries[number] }

    /// The sealed form of a row. Valid until the next call.
    func record(ofRow row: Int) throws -> SealedView {
        let block = try stored(holding: row)
        rebuilt.removeAll()
        try rebuilder.get().append(block.bytes.slice(block.range(ofRow: row)), row: row, to: rebuilt)
        do {
            return try SealedView(rebuilt.bytes)
        } catch let error as EventModelError {
            throw reader.fault(records, "row \(row): \(error.reason)").error
        }
    }

    /// The sealed forms of the block that holds a row. Valid until the next call.
    func block(holding row: Int) throws -> RecordBlock {
        let block = try stored(holding: row)
        rebuilt.removeAll()
        rebuiltEnds.removeAll()
        for row in block.rows {
            try rebuilder.get().append(block.bytes.slice(block.range(ofRow: row)), row: row, to: rebuilt)
            withUnsafeBytes(of: UInt32(rebuilt.count).littleEndian) { rebuiltEnds.append($0) }
        }
        return RecordBlock(
            firstRow: block.firstRow, rowCount: block.rowCount, bytes: rebuilt.bytes, ends: rebuiltEnds.bytes)
    }

    /// What is stored in the block that holds a row (``RecordForm``). Valid until the next call.
    func stored(holding row: Int) throws -> RecordBlock {
        if let current, current.rows.contains(row) { return current }
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if Int(entries[middle].firstRow) + Int(entries[middle].rowCount) <= row {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return try stored(low)
    }

    /// The compressed bytes of a block, checked.
    func compressed(_ number: Int) throws -> UnsafeRawBufferPointer {
        let entry = entries[number]
        let start = Int(records.offset + entry.offset)
        let range = start..<start + Int(entry.compressedBytes)
        noteResident(range)
        let bytes = reader.storage.bytes.slice(range)
        guard !reader.storage.isFile || Checksum.of(bytes) == entry.checksum else {
            throw fault(entry, "checksum mismatch")
        }
        return bytes
    }

    /// What is stored in a block by its number. Valid until the next call.
    func stored(_ number: Int) throws -> RecordBlock {
        current = nil
        let entry = entries[number]
        let source = try compressed(number)
        let size = Int(entry.plainBytes)
        guard size <= Self.maximumPlainBytes else { throw fault(entry, "claims \(size) bytes") }
        plain.removeAll()
        plain.reserve(size)
        let frame = source.slice(try readLengths(source, entry)..<source.count)
        let written = ZSTD_decompressDCtx(context, plain.start, size, frame.baseAddress, frame.count)
        guard ZSTD_isError(written) == 0, written == size else { throw fault(entry, "cannot be decompressed") }
        plain.commit(size)
        let block = RecordBlock(
            firstRow: Int(entry.firstRow), rowCount: Int(entry.rowCount), bytes: plain.bytes, ends: ends.bytes)
        current = block
        return block
    }

    /// Reads the lengths before a block's frame into `ends`, and returns where the frame begins.
    private func readLengths(_ source: UnsafeRawBufferPointer, _ entry: BlockEntry) throws -> Int {
        ends.removeAll()
        ends.reserve(Int(entry.rowCount) * 4)
        var (position, end) = (0, UInt64(0))
        for _ in 0..<entry.rowCount {
            guard let length = Varint.read(source, at: &position), length <= UInt64(entry.plainBytes) - end else {
                throw fault(entry, "has records of wrong lengths")
            }
            end += length
            withUnsafeBytes(of: UInt32(end).littleEndian) { ends.append($0) }
        }
        guard end == UInt64(entry.plainBytes) else { throw fault(entry, "has records that do not fill it") }
        return position
    }

    private func fault(_ entry: BlockEntry, _ reason: String) -> EventStoreError {
        reader.fault(records, at: records.offset + entry.offset, "rows from \(entry.firstRow): \(reason)").error
    }
}
