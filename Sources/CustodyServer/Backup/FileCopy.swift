import DurableFiles
import SystemPackage

/// Copies files for backups: each whole and synchronised under another name before it takes its place.
struct FileCopy {
    private static let chunkBytes = 4 << 20
    private static let headerBytes = 4_096

    let fileSystem: any FileSystem
    private(set) var copiedFiles = 0
    private(set) var copiedBytes: UInt64 = 0
    private(set) var keptFiles = 0
    private var directories: Set<FilePath> = []

    init(fileSystem: any FileSystem) { self.fileSystem = fileSystem }

    /// Copies what a file has now, or its first `limit` bytes.
    mutating func copy(_ source: any File, to target: FilePath, limit: UInt64? = nil) throws {
        let directory = target.removingLastComponent()
        try fileSystem.createDirectory(directory)
        let unfinished = FilePath(target.string + ".tmp")
        if try fileSystem.exists(unfinished) { try fileSystem.remove(unfinished) }
        let file = try fileSystem.open(unfinished, .createNew(.privateFile))
        let size = min(try source.size(), limit ?? .max)
        var offset: UInt64 = 0
        while offset < size {
            let chunk = try source.read(at: offset, count: Int(min(UInt64(Self.chunkBytes), size - offset)))
            try file.write(chunk, at: offset)
            offset += UInt64(chunk.count)
        }
        try file.synchronizeData()
        try fileSystem.rename(unfinished, to: target)
        directories.insert(directory)
        copiedFiles += 1
        copiedBytes += size
    }

    /// Copies a file unless the target has one of the same size that begins the same way: for files whose beginning has a
    /// checksum over all of them.
    mutating func copyUnlessSame(_ source: any File, to target: FilePath) throws {
        if try fileSystem.exists(target) {
            let known = try fileSystem.open(target, .read)
            let size = try source.size()
            let header = Int(min(size, UInt64(Self.headerBytes)))
            if try known.size() == size, try known.read(at: 0, count: header) == source.read(at: 0, count: header) {
                keptFiles += 1
                return
            }
        }
        try copy(source, to: target)
    }

    /// Copies a file that only grows unless the target has all of it.
    mutating func copyUnlessAsLong(_ source: any File, to target: FilePath) throws {
        if try fileSystem.exists(target), try fileSystem.open(target, .read).size() == source.size() {
            keptFiles += 1
            return
        }
        try copy(source, to: target)
    }

    /// Removes the files of a directory that are not wanted, unfinished ones included.
    mutating func remove(in directory: FilePath, besides wanted: Set<String>) throws {
        guard try fileSystem.exists(directory) else { return }
        for name in try fileSystem.list(directory) where !wanted.contains(name) {
            try? fileSystem.remove(directory.appending(name))
        }
        directories.insert(directory)
    }

    /// Makes all names durable.
    mutating func finish() throws {
        for directory in directories { try fileSystem.synchronizeDirectory(directory) }
        directories = []
    }
}
