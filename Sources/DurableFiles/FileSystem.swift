package import SystemPackage

/// The disk as Custody uses it: every byte that Custody stores goes through this protocol.
///
/// ``RealFileSystem`` is the operating system; ``FaultingFileSystem`` is a deterministic disk in memory that fails or
/// loses power wherever a test wants it. Calls block. All failures are ``DurableFilesError``.
///
/// Nothing is durable until it was synchronised: a file's bytes by ``File/synchronizeData()``, a file's name by
/// ``synchronizeDirectory(_:)`` of its directory.
package protocol FileSystem: Sendable {
    /// Opens a file. The file is closed when the last reference to it goes away.
    ///
    /// - Throws: `notFound`, `alreadyExists` (``OpenMode/createNew(_:)``), `notPermitted`, `diskFull` or `failed`.
    func open(_ path: FilePath, _ mode: OpenMode) throws -> any File

    /// Makes one directory whose parent exists. Use ``createDirectory(_:permissions:)`` unless durability is handled
    /// by the caller.
    func makeDirectory(_ path: FilePath, permissions: FilePermissions) throws

    /// The names in a directory, sorted by their bytes, without `.` and `..`.
    func list(_ directory: FilePath) throws -> [String]

    /// Whether anything has this path.
    func exists(_ path: FilePath) throws -> Bool

    /// Removes a file. Files that are open elsewhere stay readable there.
    func remove(_ path: FilePath) throws

    /// Gives a file another path, replacing what was there in one step.
    func rename(_ source: FilePath, to target: FilePath) throws

    /// Makes the names in a directory durable.
    ///
    /// - Throws: `syncFailed`. It must not be retried: see ``File/synchronizeData()``.
    func synchronizeDirectory(_ path: FilePath) throws

    /// The bytes that an unprivileged process can still write to the file system which holds this path.
    func freeBytes(at path: FilePath) throws -> UInt64

    /// The size of the file system which holds this path, in bytes.
    func volumeBytes(at path: FilePath) throws -> UInt64

    /// Maps a whole file for reading. The file must not be truncated while it is mapped; sealed files never are.
    func map(_ path: FilePath) throws -> MappedFile

    /// Takes the lock of a directory: the file `lock` in it, which then names this process.
    ///
    /// The lock is held until the value goes away or the process ends, however it ends.
    /// - Throws: `directoryLocked`, with the holder's process id where it can be read.
    func lock(directory: FilePath) throws -> DirectoryLock
}

/// How ``FileSystem/open(_:_:)`` opens a file.
package enum OpenMode: Sendable, Hashable {
    /// Reading only.
    case read
    /// Reading and writing; the file exists.
    case write
    /// Reading and writing; the file is made with these permissions and must not exist yet.
    case createNew(FilePermissions)
    /// Reading and writing; the file is made with these permissions when it does not exist.
    case openOrCreate(FilePermissions)
}

extension FilePermissions {
    /// 0600: files that Custody writes are for its own account alone.
    package static let privateFile: FilePermissions = [.ownerReadWrite]
    /// 0700: directories that Custody makes are for its own account alone.
    package static let privateDirectory: FilePermissions = [.ownerReadWriteExecute]
}
