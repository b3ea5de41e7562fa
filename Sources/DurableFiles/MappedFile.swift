package import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A whole file as read-only memory, for as long as this value lives.
///
/// From the disk comes what is touched, page by page; whoever reads more at once says so (``prefetch(_:)``).
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
        // Advice: without it more is read than anybody wants, up to megabytes around each byte. Who reads much says so.
        if let start = mapping.baseAddress {
            _ = madvise(UnsafeMutableRawPointer(mutating: start), mapping.count, MADV_RANDOM)
        }
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

    /// Gives back the memory of a part of the file. It can be read as before: whoever touches it next gets it from the
    /// system's cache again, or from the disk. Readers at the same time notice nothing.
    ///
    /// Cost: a system call and, for each 64 KiB that is touched again, about a microsecond.
    /// - Parameter range: offsets in the file; the pages that it touches go whole.
    package func release(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        guard isMapping, !range.isEmpty, let base = bytes.baseAddress else { return }
        let start = range.lowerBound / Self.systemPageBytes * Self.systemPageBytes
        // Advice: when it is not taken, the memory stays until the file is unmapped.
        _ = madvise(UnsafeMutableRawPointer(mutating: base + start), range.upperBound - start, MADV_DONTNEED)
    }

    /// Whether a part of the file is in memory, so that reading it waits for no disk, as far as the page in its middle tells: those at
    /// its ends have something of what is beside it too, which may have been read before. True where the system does not tell.
    /// Cost: a system call.
    package func isResident(_ range: Range<Int>) -> Bool {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        guard isMapping, !range.isEmpty, let base = bytes.baseAddress else { return true }
        let middle = (range.lowerBound + range.count / 2) / Self.systemPageBytes * Self.systemPageBytes
        var page: UInt8 = 1
        guard mincore(UnsafeMutableRawPointer(mutating: base + middle), 1, &page) == 0 else { return true }
        return page & 1 != 0
    }

    /// Has a part of the file read from the disk, without waiting for it: the disk is faster when it is told of many places than
    /// when it is asked for one after the other, and what is told is read without its surroundings.
    ///
    /// Cost: a system call, and some microseconds where there is something to read.
    package func prefetch(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        guard isMapping, !range.isEmpty, let base = bytes.baseAddress else { return }
        let start = range.lowerBound / Self.systemPageBytes * Self.systemPageBytes
        // Advice: when it is not taken, whoever reads waits.
        _ = madvise(UnsafeMutableRawPointer(mutating: base + start), range.upperBound - start, MADV_WILLNEED)
    }

    private static let systemPageBytes = Int(getpagesize())

    /// Calls `body` with the file's bytes, which must not be used after it returns.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(self) { try body(bytes) }
    }
}
