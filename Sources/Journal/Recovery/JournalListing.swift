import DurableFiles
import SystemPackage

/// The journal files of a directory.
enum JournalListing {
    /// The first indexes of the files, ascending, by their names.
    ///
    /// - Throws: `altered` for a file with the journal's suffix and a name that the journal does not give.
    static func firstIndexes(_ directory: FilePath, _ fileSystem: any FileSystem) throws -> [UInt64] {
        try fileSystem.list(directory).compactMap { name in
            guard name.hasSuffix(JournalFileName.suffix) else { return nil }
            guard let index = JournalFileName.firstIndex(of: name) else {
                throw JournalError(.altered, "not a journal file's name", file: directory.appending(name))
            }
            return index
        }
    }
}
