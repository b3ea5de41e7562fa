package import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The operating system's files. Every descriptor is closed on `exec`; interrupted calls are continued, except
/// synchronisations, which are never repeated.
package struct RealFileSystem: FileSystem {
    package init() {}

    package func open(_ path: FilePath, _ mode: OpenMode) throws -> any File {
        try RealFile(opening: path, mode)
    }

    package func makeDirectory(_ path: FilePath, permissions: FilePermissions) throws {
        try check(mkdir(path.string, permissions.rawValue), path, "mkdir")
    }

    package func list(_ directory: FilePath) throws -> [String] {
        guard let stream = opendir(directory.string) else { throw lastError(directory, "opendir") }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw lastError(directory, "readdir") }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package func exists(_ path: FilePath) throws -> Bool {
        if access(path.string, F_OK) == 0 { return true }
        guard errno == ENOENT || errno == ENOTDIR else { throw lastError(path, "access") }
        return false
    }

    package func remove(_ path: FilePath) throws {
        try check(unlink(path.string), path, "unlink")
    }

    package func rename(_ source: FilePath, to target: FilePath) throws {
        try check(renameFile(source.string, target.string), source, "rename")
    }

    package func synchronizeDirectory(_ path: FilePath) throws {
        let descriptor = try openDescriptor(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, [])
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw syncError(path) }
    }

    package func freeBytes(at path: FilePath) throws -> UInt64 {
        var status = statvfs()
        try check(statvfs(path.string, &status), path, "statvfs")
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    package func volumeBytes(at path: FilePath) throws -> UInt64 {
        var status = statvfs()
        try check(statvfs(path.string, &status), path, "statvfs")
        return UInt64(status.f_blocks) * UInt64(status.f_frsize)
    }

    package func map(_ path: FilePath) throws -> MappedFile {
        let descriptor = try openDescriptor(path, O_RDONLY | O_CLOEXEC, [])
        defer { close(descriptor) }
        let size = try sizeOfFile(descriptor, path)
        // mmap refuses an empty range; an empty file is an empty buffer.
        guard size > 0 else { return MappedFile(mapping: UnsafeRawBufferPointer(start: nil, count: 0), path: path) }
        guard let start = mmap(nil, Int(size), PROT_READ, MAP_SHARED, descriptor, 0), start != MAP_FAILED else {
            throw lastError(path, "mmap")
        }
        return MappedFile(mapping: UnsafeRawBufferPointer(start: start, count: Int(size)), path: path)
    }

    package func lock(directory: FilePath) throws -> DirectoryLock {
        let path = directory.appending(DirectoryLock.fileName)
        let file = try RealFile(opening: path, .openOrCreate(.privateFile))
        guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else { throw lastError(path, "flock") }
            throw DirectoryLock.heldError(directory: directory, holder: holder(of: file))
        }
        // The process id only helps a person to find the holder; the lock itself is the kernel's. So a full disk, on
        // which reading must still be possible, does not matter here.
        try? file.truncate(to: 0)
        try? file.write(Array("\(getpid())\n".utf8), at: 0)
        return DirectoryLock(directory: directory) { [file] in _ = file }
    }

    private func holder(of file: RealFile) -> String? {
        guard let size = try? file.size(), let bytes = try? file.read(at: 0, count: Int(min(size, 20))) else {
            return nil
        }
        let digits = bytes.prefix { $0 >= 0x30 && $0 <= 0x39 }
        return digits.isEmpty ? nil : String(decoding: digits, as: UTF8.self)
    }
}
