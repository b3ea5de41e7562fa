import CZstd
import EventModel

/// One entry of the block directory: 32 bytes. docs/format/segment.md §6.
struct BlockEntry: BitwiseCopyable, Sendable {
    static let bytes = 32

    /// From the beginning of the records section.
    var offset: UInt64
    /// With the lengths before the frame.
    var compressedBytes: UInt32
    /// Of the records.
    var plainBytes: UInt32
    var firstRow: UInt32
    var rowCount: UInt32
    /// Of lengths and frame.
    var checksum: UInt64
}

/// Gathers what is stored of records into blocks and compresses each: the length of every record, then the records as a zstd
/// frame.
final class BlockCompressor {
    static let rowsPerBlock = 256
    /// A block ends early when its records reach this size, so that few large payloads do not make a huge one.
    static let plainBytesPerBlock = 1 << 20

    private let context: OpaquePointer
    private var ends = GrowableMemory<UInt32>(capacity: rowsPerBlock)
    private let records = SegmentMemory(capacity: 1 << 19)
    let compressed: SegmentMemory
    private(set) var entries: [BlockEntry] = []
    private var nextRow = 0
    /// Compressed bytes that have been handed on already.
    private var handedOn: UInt64 = 0

    /// - Throws: `exhausted` when there is no memory for a compressor.
    init(level: Int32) throws {
        guard let context = ZSTD_createCCtx() else { throw EventStoreError(.exhausted, "no memory for a compressor") }
        self.context = context
        // Beside the level: blocks are small, and records alike over long stretches, so that a table of 512 KiB that looks for
        // longer matches finds more in the same time. Neither can fail: both are within zstd's bounds.
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        if level == 1 {
            ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, 16)
            ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 20)
        }
        compressed = SegmentMemory(capacity: 1 << 16)
    }

    deinit {
        ZSTD_freeCCtx(context)
        ends.free()
    }

    func removeAll() {
        ends.removeAll()
        records.removeAll()
        compressed.removeAll()
        entries = []
        nextRow = 0
        handedOn = 0
    }

    /// Adds what is stored of a record.
    func append(_ stored: UnsafeRawBufferPointer) throws { try append { $0.append(stored) } }

    /// Adds what `body` appends, which is stored of a record.
    func append(_ body: (SegmentMemory) -> Void) throws {
        body(records)
        ends.append(UInt32(records.count))
        if ends.count == Self.rowsPerBlock || records.count >= Self.plainBytesPerBlock { try closeBlock() }
    }

    /// Compresses what is gathered, if anything.
    func closeBlock() throws {
        guard ends.count > 0 else { return }
        let start = compressed.count
        appendLengths()
        let bound = ZSTD_compressBound(records.count)
        compressed.reserve(bound)
        let size = ZSTD_compress2(
            context, compressed.start + compressed.count, bound, records.start, records.count)
        guard ZSTD_isError(size) == 0 else { throw EventStoreError(.exhausted, "compression failed") }
        compressed.commit(size)
        addBlock(from: start, rowCount: ends.count, plainBytes: records.count)
        ends.removeAll()
        records.removeAll()
    }

    private func appendLengths() {
        var lengths = GrowableMemory<UInt8>(capacity: ends.count * 3)
        defer { lengths.free() }
        var start: UInt32 = 0
        for end in ends.buffer {
            lengths.append(varint: UInt64(end - start))
            start = end
        }
        compressed.append(UnsafeRawBufferPointer(lengths.buffer))
    }

    /// Takes over a block that is compressed already; nothing may be pending.
    func append(block: UnsafeRawBufferPointer, entry: BlockEntry) {
        precondition(ends.count == 0)
        let start = compressed.count
        compressed.append(block)
        addBlock(
            from: start, rowCount: Int(entry.rowCount), plainBytes: Int(entry.plainBytes), checksum: entry.checksum)
    }

    /// Hands on all compressed bytes, so that a merge holds few of them.
    func drain(to composer: SegmentComposer) throws {
        try composer.append(compressed.bytes)
        handedOn += UInt64(compressed.count)
        compressed.removeAll()
    }

    /// Notes the block that lies behind `start` in what is compressed.
    private func addBlock(from start: Int, rowCount: Int, plainBytes: Int, checksum: UInt64? = nil) {
        let bytes = compressed.bytes.slice(start..<compressed.count)
        entries.append(
            BlockEntry(
                offset: handedOn + UInt64(start), compressedBytes: UInt32(bytes.count),
                plainBytes: UInt32(plainBytes), firstRow: UInt32(nextRow), rowCount: UInt32(rowCount),
                checksum: checksum ?? Checksum.of(bytes)))
        nextRow += rowCount
    }
}

extension SegmentComposer {
    /// Writes the block directory.
    func blockDirectory(_ entries: [BlockEntry]) throws {
        try section(.blocks) {
            try entries.withUnsafeBytes { try append($0) }
            return entries.count
        }
    }
}
