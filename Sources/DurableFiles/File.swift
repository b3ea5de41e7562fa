package import SystemPackage

/// An open file. Reads and writes name their position, so that threads can share a file without sharing a cursor.
///
/// The file is closed when the last reference goes away; so no reader can meet a descriptor that was closed under it.
package protocol File: AnyObject, Sendable {
    /// The path the file was opened with.
    var path: FilePath { get }

    /// The file's size in bytes.
    func size() throws -> UInt64

    /// Reads bytes from a position until the buffer is full or the file ends.
    ///
    /// - Returns: the number of bytes read; fewer than the buffer holds only at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws -> Int

    /// Writes all bytes at a position, or throws. After an error any prefix of them may have been written.
    ///
    /// - Throws: `diskFull` when space or quota is used up, otherwise `failed`.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws

    /// Makes all bytes written so far, and the size, survive power loss (`fdatasync`).
    ///
    /// - Throws: `syncFailed`. The caller must never try again: the kernel may have dropped the unwritten pages and
    ///   would then report success for data that is nowhere. The one safe answer is to end the process and to read the
    ///   file anew.
    func synchronizeData() throws

    /// Cuts the file off at a size, or extends it with zeros.
    func truncate(to size: UInt64) throws
}

extension File {
    /// Reads exactly `count` bytes.
    ///
    /// - Throws: `endOfFile` when the file ends before them.
    package func read(at offset: UInt64, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let target = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count)
            initialized = try read(into: target, at: offset)
            guard initialized == count else {
                throw DurableFilesError(.endOfFile, path, "ends at byte \(offset + UInt64(initialized))")
            }
        }
    }

    /// Writes all bytes of an array at a position, or throws, as ``write(_:at:)-(UnsafeRawBufferPointer,_)`` does.
    package func write(_ bytes: [UInt8], at offset: UInt64) throws {
        try bytes.withUnsafeBytes { try write($0, at: offset) }
    }

    /// Writes all bytes at the file's end, or throws. For files with one writer.
    package func append(_ bytes: [UInt8]) throws {
        try write(bytes, at: size())
    }
}
