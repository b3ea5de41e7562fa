package import DurableFiles
package import SystemPackage

/// The static C2SP layout in a directory, as ``StaticExport`` writes it.
package struct DirectoryTileSource: TileSource {
    /// The largest file that is read: a full bundle of entries of the greatest length that the format has.
    private static let maximumFileSize: UInt64 = 256 * (2 + 65_535)

    private let directory: FilePath
    private let fileSystem: any FileSystem

    package init(directory: FilePath, fileSystem: any FileSystem) {
        self.directory = directory
        self.fileSystem = fileSystem
    }

    package func checkpoint() throws -> [UInt8] {
        try read(directory.appending("checkpoint"))
    }

    package func bytes(_ path: TilePath) throws -> [UInt8] {
        try read(directory.appending(path.description))
    }

    package func keyChange(_ number: Int) throws -> [UInt8]? {
        let path = directory.appending(KeyHistory.path(number))
        return try fileSystem.exists(path) ? try read(path) : nil
    }

    private func read(_ path: FilePath) throws -> [UInt8] {
        let file = try fileSystem.open(path, .read)
        let size = try file.size()
        guard size <= Self.maximumFileSize else { throw LedgerError(.malformed, "\(path) is too large for a tile") }
        return try file.read(at: 0, count: Int(size))
    }
}
