import CZstd
import EventModel

/// One entry of the block directory: 32 bytes. docs/format/segment.md §6.
struct BlockEntry: BitwiseCopyable, Sendable {
    static let bytes = 32

    /// From the beginning of the records section.
    var offset: UInt64
    var compressedBytes: UInt32
    var plainBytes: UInt32
    var firstRow: UInt32
    var rowCount: UInt32
    /// Of the compressed bytes.
    var checksum: UInt64
}

/// Gathers sealed records into blocks and compresses each: the end of every record as 32-bit numbers, then the records.
final class BlockCompressor {
    static let rowsPerBlock = 256
    /// A block ends early when its records reach this size, so that few large payloads do not make a huge one.
    static let plainBytesPerBlock = 1 << 20

    private let context: OpaquePointer
    private let level: Int32
    private var ends = GrowableMemory<UInt32>(capacity: rowsPerBlock)
    private let records = SegmentMemory(capacity: 1 << 19)
    private let plain = SegmentMemory(capacity: 1 << 19)
    let compressed: SegmentMemory
    private(set) var entries: [BlockEntry] = []
    private var nextRow = 0
    /// Compressed bytes that have been handed on already.
    private var handedOn: UInt64 = 0

    /// - Throws: `exhausted` when there is no memory for a compressor.
    init(level: Int32) throws {
        guard let context = ZSTD_createCCtx() else { throw EventStoreError(.exhausted, "no memory for a compressor") }
        self.context = context
        self.level = level
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

    var pendingRows: Int { ends.count }

    func append(_ record: UnsafeRawBufferPointer) throws {
        records.append(record)
        ends.append(UInt32(records.count))
        if ends.count == Self.rowsPerBlock || records.count >= Self.plainBytesPerBlock { try closeBlock() }
    }

    /// Compresses what is gathered, if anything.
    func closeBlock() throws {
        guard ends.count > 0 else { return }
        plain.removeAll()
        plain.append(UnsafeRawBufferPointer(ends.buffer))
        plain.append(records.bytes)
        let bound = ZSTD_compressBound(plain.count)
        compressed.reserve(bound)
        let target = compressed.start + compressed.count
        let size = ZSTD_compressCCtx(context, target, bound, plain.start, plain.count, level)
        guard ZSTD_isError(size) == 0 else { throw EventStoreError(.exhausted, "compression failed") }
        let bytes = UnsafeRawBufferPointer(start: target, count: size)
        add(bytes, rowCount: ends.count, plainBytes: plain.count, checksum: Checksum.of(bytes))
        compressed.commit(size)
        ends.removeAll()
        records.removeAll()
    }

    /// Takes over a block that is compressed already; nothing may be pending.
    func append(block: UnsafeRawBufferPointer, entry: BlockEntry) {
        precondition(ends.count == 0)
        add(block, rowCount: Int(entry.rowCount), plainBytes: Int(entry.plainBytes), checksum: entry.checksum)
        compressed.append(block)
    }

    /// Hands on all compressed bytes, so that a merge holds few of them.
    func drain(to composer: SegmentComposer) throws {
        try composer.append(compressed.bytes)
        handedOn += UInt64(compressed.count)
        compressed.removeAll()
    }

    private func add(_ bytes: UnsafeRawBufferPointer, rowCount: Int, plainBytes: Int, checksum: UInt64) {
        entries.append(
            BlockEntry(
                offset: handedOn + UInt64(compressed.count), compressedBytes: UInt32(bytes.count),
                plainBytes: UInt32(plainBytes), firstRow: UInt32(nextRow), rowCount: UInt32(rowCount),
                checksum: checksum))
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
