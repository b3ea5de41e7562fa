import CZstd

/// zstd in one shot. Contexts are created for each call: their cost was measured and is below a hundredth of a page's.
enum Compression {
    static let levels: ClosedRange<Int32> = -7...19

    static func compress(_ bytes: UnsafeRawBufferPointer, level: Int32) throws -> [UInt8] {
        let bound = ZSTD_compressBound(bytes.count)
        var failure: String?
        let compressed = [UInt8](unsafeUninitializedCapacity: bound) { buffer, initialized in
            let size = ZSTD_compress(buffer.baseAddress, bound, bytes.baseAddress, bytes.count, level)
            if ZSTD_isError(size) != 0 {
                failure = String(cString: ZSTD_getErrorName(size))
            } else {
                initialized = size
            }
        }
        if let failure { throw JournalError(.malformedPage, "cannot be compressed: \(failure)") }
        return compressed
    }

    /// Decompresses into a buffer that must be filled exactly.
    ///
    /// - Returns: whether the bytes are one whole frame that fills the buffer.
    static func decompress(_ bytes: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
        let size = ZSTD_decompress(buffer.baseAddress, buffer.count, bytes.baseAddress, bytes.count)
        return ZSTD_isError(size) == 0 && size == buffer.count
    }
}
