import CZstd

/// zstd, a whole page at a time. Contexts are created for each: their cost was measured and is below a hundredth of a page's.
enum Compression {
    static let levels: ClosedRange<Int32> = -7...19

    /// Compresses parts of a buffer, each as a frame of its own; calls `body` with each frame.
    static func compress(
        _ parts: some Sequence<UnsafeRawBufferPointer>, level: Int32, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws {
        guard let context = ZSTD_createCCtx() else { throw JournalError(.malformedPage, "no memory for a compressor") }
        defer { ZSTD_freeCCtx(context) }
        for part in parts {
            let bound = ZSTD_compressBound(part.count)
            let target = UnsafeMutableRawPointer.allocate(byteCount: bound, alignment: 16)
            defer { target.deallocate() }
            let size = ZSTD_compressCCtx(context, target, bound, part.baseAddress, part.count, level)
            guard ZSTD_isError(size) == 0 else {
                let reason = String(cString: ZSTD_getErrorName(size))
                throw JournalError(.malformedPage, "cannot be compressed: \(reason)")
            }
            body(UnsafeRawBufferPointer(start: target, count: size))
        }
    }

    /// Decompresses into a buffer that must be filled exactly.
    ///
    /// - Returns: whether the bytes are whole frames that fill the buffer.
    static func decompress(_ bytes: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
        let size = ZSTD_decompress(buffer.baseAddress, buffer.count, bytes.baseAddress, bytes.count)
        return ZSTD_isError(size) == 0 && size == buffer.count
    }
}
