package import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A whole file as read-only memory, for as long as this value lives.
///
/// An I/O error while a page is read, or truncating the file, kills the process with `SIGBUS`: map only sealed files.
///
/// Sendable without the compiler's proof: the memory is mapped read-only (or is a private copy), both stored properties
/// are constant, and the memory is released only by `deinit`, when no other reference exists.
package final class MappedFile: @unchecked Sendable {
    /// The file's path.
    package let path: FilePath
    /// The file's bytes. Valid only while this value lives; prefer ``withUnsafeBytes(_:)``.
    package let bytes: UnsafeRawBufferPointer
    private let isMapping: Bool

    /// Takes over a mapping that `mmap` made; it is unmapped at the end.
    init(mapping: UnsafeRawBufferPointer, path: FilePath) {
        self.path = path
        bytes = mapping
        isMapping = true
    }

    /// A private copy of bytes: what a simulated disk hands out.
    init(copying content: [UInt8], path: FilePath) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 64)
        copy.copyBytes(from: content)
        self.path = path
        bytes = UnsafeRawBufferPointer(copy)
        isMapping = false
    }

    deinit {
        if isMapping {
            if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
        } else {
            bytes.deallocate()
        }
    }

    /// The number of bytes.
    package var count: Int { bytes.count }

    /// Lets go of the pages of some bytes: they leave the process's resident memory, and stay in the system's cache while there is
    /// room. Reading them works as before. Cost: one system call.
    package func release(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        guard isMapping, let start = bytes.baseAddress else { return }
        let page = Int(getpagesize())
        // Whole pages only: the others hold bytes beside the range.
        let first = (range.lowerBound + page - 1) / page * page
        let end = range.upperBound == bytes.count ? bytes.count : range.upperBound / page * page
        guard end > first else { return }
        _ = madvise(UnsafeMutableRawPointer(mutating: start + first), end - first, MADV_DONTNEED)
    }

    /// Calls `body` with the file's bytes, which must not be used after it returns.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(self) { try body(bytes) }
    }
}
