package import SystemPackage

/// Proof that this process alone serves a directory; see ``FileSystem/lock(directory:)``. Given back at `deinit`.
package final class DirectoryLock: Sendable {
    /// The directory that is locked.
    package let directory: FilePath
    private let release: @Sendable () -> Void

    init(directory: FilePath, release: @escaping @Sendable () -> Void) {
        self.directory = directory
        self.release = release
    }

    deinit { release() }

    /// The name of the lock file in its directory.
    package static let fileName = "lock"

    /// The error of a second server on one directory.
    static func heldError(directory: FilePath, holder: String?) -> DurableFilesError {
        let name = holder.map { "process \($0)" } ?? "another process"
        return DurableFilesError(
            .directoryLocked, directory, "another server holds this directory: \(name) has locked it")
    }
}
