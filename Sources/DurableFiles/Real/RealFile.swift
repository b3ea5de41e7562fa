import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A file of the operating system. The descriptor is constant and closed only at `deinit`.
final class RealFile: File {
    let path: FilePath
    let descriptor: CInt

    init(opening path: FilePath, _ mode: OpenMode) throws {
        self.path = path
        descriptor =
            switch mode {
            case .read: try openDescriptor(path, O_RDONLY | O_CLOEXEC, [])
            case .write: try openDescriptor(path, O_RDWR | O_CLOEXEC, [])
            case .createNew(let permissions):
                try openDescriptor(path, O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, permissions)
            case .openOrCreate(let permissions):
                try openDescriptor(path, O_RDWR | O_CLOEXEC | O_CREAT, permissions)
            }
    }

    deinit { close(descriptor) }

    func size() throws -> UInt64 {
        try sizeOfFile(descriptor, path)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(done))
            if count == 0 { break }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw lastError(path, "pread")
            }
            done += count
        }
        return done
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(done))
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw lastError(path, "pwrite")
            }
            done += count
        }
    }

    func synchronizeData() throws {
        guard fdatasync(descriptor) == 0 else { throw syncError(path) }
    }

    func truncate(to size: UInt64) throws {
        while ftruncate(descriptor, off_t(size)) != 0 {
            guard errno == EINTR else { throw lastError(path, "ftruncate") }
        }
    }
}
