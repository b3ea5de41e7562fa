package import DurableFiles
package import SystemPackage

/// A failure of the journal. Equal when code, file and offset are equal.
package struct JournalError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What a caller can decide on.
    package enum Code: Sendable, Hashable {
        /// Stored bytes are not what Custody wrote. Nothing was changed or removed.
        case altered
        /// Space is used up. Nothing of the group was kept; the journal goes on once there is space.
        case diskFull
        /// A write failed. Nothing of the group was kept; the journal can go on.
        case writeFailed
        /// A synchronisation failed: what the disk holds is in doubt. The process must end and recover anew.
        case syncFailed
        /// The journal refuses writes since an earlier failure that it could not undo. The process must end.
        case unusable
        /// A record, page or group is larger than ``JournalLimits`` allows. Nothing was written.
        case tooLarge
        /// The lengths or the mask do not fit the records. Nothing was written.
        case malformedPage
        /// The records were recycled, or are not in the journal yet.
        case notInJournal
        /// The disk could not be read.
        case readFailed
    }

    package let code: Code
    /// The file concerned, where there is one.
    package let file: FilePath?
    /// The byte in that file where the smallest damaged unit begins, where that is known.
    package let offset: UInt64?
    /// The disk's own error, where there is one.
    package let cause: DurableFilesError?
    private let reason: String

    package init(
        _ code: Code, _ reason: String, file: FilePath? = nil, offset: UInt64? = nil, cause: DurableFilesError? = nil
    ) {
        self.code = code
        self.reason = reason
        self.file = file
        self.offset = offset
        self.cause = cause
    }

    /// Whether the process must end, because only a fresh start can tell what the disk holds.
    package var isFatal: Bool { code == .syncFailed || code == .unusable }

    package var description: String {
        let place = file.map { "\($0)" + (offset.map { ", byte \($0)" } ?? "") + ": " } ?? ""
        return place + reason + (cause.map { " (\($0))" } ?? "")
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.code == right.code && left.file == right.file && left.offset == right.offset
    }

    /// The error of a read that failed; damage is what was read and is wrong, this is what was not read.
    static func reading(_ file: FilePath, _ cause: DurableFilesError) -> JournalError {
        JournalError(.readFailed, "cannot be read", file: file, cause: cause)
    }
}
