package import SystemPackage

/// A failure of the disk, with the path it happened on. Equal when code, path and system error are equal.
package struct DurableFilesError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What a caller can decide on.
    package enum Code: Sendable, Hashable {
        /// Nothing has this path.
        case notFound
        /// The file was to be made new and is there already.
        case alreadyExists
        /// The account may not do this.
        case notPermitted
        /// No space or quota is left. Nothing is broken; try again when there is space.
        case diskFull
        /// A synchronisation failed. What was written since the last good one is in doubt; never retry, end the process.
        case syncFailed
        /// Another process holds the directory.
        case directoryLocked
        /// The file ends before the bytes that were asked for.
        case endOfFile
        /// The simulated machine has lost power; only ``FaultingFileSystem`` says so.
        case powerLost
        /// Any other failure of the system, for instance an I/O error.
        case failed
    }

    package let code: Code
    package let path: FilePath
    /// The system's error number, where there is one.
    package let errno: Errno?
    private let reason: String

    package init(_ code: Code, _ path: FilePath, _ reason: String, errno: Errno? = nil) {
        self.code = code
        self.path = path
        self.errno = errno
        self.reason = reason
    }

    /// An error of a system call. `diskFull`, `notFound` and the like are recognised by the number.
    package init(_ errno: Errno, _ path: FilePath, during call: String) {
        self.init(Self.code(of: errno), path, "\(call): \(errno.description.lowercased())", errno: errno)
    }

    package var description: String { "\(path): \(reason)" }

    package static func == (left: Self, right: Self) -> Bool {
        left.code == right.code && left.path == right.path && left.errno == right.errno
    }

    private static func code(of errno: Errno) -> Code {
        switch errno {
        case .noSuchFileOrDirectory: .notFound
        case .fileExists: .alreadyExists
        case .permissionDenied, .notPermitted, .readOnlyFileSystem: .notPermitted
        case .noSpace, .diskQuotaExceeded: .diskFull
        default: .failed
        }
    }
}
