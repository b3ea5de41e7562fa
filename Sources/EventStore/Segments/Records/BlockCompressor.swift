import CZstd
import EventModel

/// One entry of the block directory: 32 bytes. docs/format/segment.md §6.
struct BlockEntry: BitwiseCopyable, Sendable {
    static let bytes = 32

    /// From the beginning of the records section.
    var offset: UInt64
    /// With the lengths before the frame.
    var compressedBytes: UInt32
    /// Of what is stored of the records, expanded.
    var plainBytes: UInt32
    var firstRow: UInt32
    var rowCount: UInt32
    /// Of the frames.
    var checksum: UInt64
}

/// Gathers what is stored of records into blocks and compresses each: a zstd frame of lengths, one of packed texts, and one of digits. The
/// first and the last are as good as random and would only spoil the statistics of the texts.
final class BlockCompressor {
    static let rowsPerBlock = 256
    /// A block ends early when its records, expanded, reach this size, so that few large payloads do not make a huge one.
    static let plainBytesPerBlock = 1 << 20

    private let context: OpaquePointer
    /// Of what is stored of a record.
    private struct Lengths: BitwiseCopyable {
        let plain: UInt32
        let text: UInt32
        let digits: UInt32
    }

    /// The lengths are three varints of five bytes a row at most.
    static let maximumLengthBytes = rowsPerBlock * 15

    private var lengths = GrowableMemory<Lengths>(capacity: rowsPerBlock)
    private var plainBytes = 0
    private let texts = SegmentMemory(capacity: 1 << 18)
    private let digits = SegmentMemory(capacity: 1 << 16)
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
        beginBlock()
    }

    deinit {
        ZSTD_freeCCtx(context)
        lengths.free()
    }

    private func beginBlock() {
        lengths.removeAll()
        plainBytes = 0
        texts.removeAll()
        digits.removeAll()
    }

    func removeAll() {
        beginBlock()
        compressed.removeAll()
        entries = []
        nextRow = 0
        handedOn = 0
    }

    /// Adds what is stored of a record.
    func append(_ stored: StoredText) throws {
        try append { text, digits in
            text.append(stored.text)
            digits.append(stored.digits)
            return stored.count
        }
    }

    /// Adds what `body` appends, which is stored of a record; it returns the bytes of this when it is expanded.
    func append(_ body: (_ text: SegmentMemory, _ digits: SegmentMemory) -> Int) throws {
        let (textStart, digitStart) = (texts.count, digits.count)
        let plain = body(texts, digits)
        plainBytes += plain
        lengths.append(
            Lengths(
                plain: UInt32(plain), text: UInt32(texts.count - textStart),
                digits: UInt32(digits.count - digitStart)))
        if lengths.count == Self.rowsPerBlock || plainBytes >= Self.plainBytesPerBlock { try closeBlock() }
    }

    /// Compresses what is gathered, if anything.
    func closeBlock() throws {
        guard lengths.count > 0 else { return }
        let start = compressed.count
        try compressLengths()
        try compress(texts.bytes)
        if digits.count > 0 { try compress(digits.bytes) }
        addBlock(from: start, rowCount: lengths.count, plainBytes: plainBytes)
        beginBlock()
    }

    private func compressLengths() throws {
        var bytes = GrowableMemory<UInt8>(capacity: Self.maximumLengthBytes)
        defer { bytes.free() }
        for length in lengths.buffer { bytes.append(varint: UInt64(length.plain)) }
        for length in lengths.buffer { bytes.append(varint: UInt64(length.text)) }
        for length in lengths.buffer { bytes.append(varint: UInt64(length.digits)) }
        try compress(UnsafeRawBufferPointer(bytes.buffer))
    }

    private func compress(_ bytes: UnsafeRawBufferPointer) throws {
        let bound = ZSTD_compressBound(bytes.count)
        compressed.reserve(bound)
        let size = ZSTD_compress2(
            context, compressed.start + compressed.count, bound, bytes.baseAddress, bytes.count)
        guard ZSTD_isError(size) == 0 else { throw EventStoreError(.exhausted, "compression failed") }
        compressed.commit(size)
    }

    /// Takes over a block that is compressed already; nothing may be pending.
    func append(block: UnsafeRawBufferPointer, entry: BlockEntry) {
        precondition(lengths.count == 0)
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
