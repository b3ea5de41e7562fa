package import DurableFiles
package import SystemPackage

/// Drops what is wrong among overlays: files that are damaged, or whose index is not the one that their rows give. For a
/// directory that no server holds.
package struct OverlayRepair: Sendable {
    private let directory: OverlayDirectory

    package init(directory: FilePath, fileSystem: any FileSystem) {
        self.directory = OverlayDirectory(path: directory, fileSystem: fileSystem)
    }

    /// Returns the names of what was dropped.
    package func run() throws -> [String] {
        guard try directory.segments.fileSystem.exists(directory.segments.path) else { return [] }
        var set = try OverlaySet(directory)
        var dropped = set.faults.map(\.file)
        let wrong = set.files.filter { file in
            guard let reader = file.reader else { return true }
            let isSound = (try? reader.indexDigest() == reader.rebuiltIndexDigest()) ?? false
            if !isSound { dropped.append(reader.name) }
            return !isSound
        }
        if !wrong.isEmpty { try set.replace(wrong, by: []) }
        return dropped
    }
}
