package import DurableFiles
package import SystemPackage

/// Writes a ledger as static files in the C2SP `tlog-tiles` layout, for mirrors and foreign verifiers.
package enum StaticExport {
    /// Writes `checkpoint`, all hash tiles and all entry bundles, full and partial, of one checkpoint.
    ///
    /// What the source gives is written as it is: ``LedgerVerifier`` says whether it is right.
    /// The checkpoint comes last, so that a directory with a checkpoint is complete. Files that are there already are
    /// replaced. Each file is written, none is synchronised one by one: the export can be repeated.
    /// - Parameter progress: called with the number of entries exported so far, after each bundle.
    /// - Throws: what the source throws; `DurableFilesError`.
    package static func write(
        _ source: any TileSource, of signed: SignedCheckpoint, to directory: FilePath, fileSystem: any FileSystem,
        progress: (_ entries: UInt64) -> Void = { _ in }
    ) async throws {
        let size = signed.checkpoint.size
        try fileSystem.createDirectory(directory, permissions: permissions)
        var made: Set<FilePath> = []
        func write(_ content: TilePath.Content, _ index: UInt64) async throws {
            guard let path = TilePath(content, index: index, inTreeOf: size) else { return }
            let file = directory.appending(path.description)
            let parent = file.removingLastComponent()
            if made.insert(parent).inserted { try fileSystem.createDirectory(parent, permissions: permissions) }
            let target = try fileSystem.open(file, .openOrCreate(.ownerReadWrite.union([.groupRead, .otherRead])))
            try target.truncate(to: 0)
            try target.write(try await source.bytes(path), at: 0)
        }
        for index in 0..<(size + 255) / 256 {
            try await write(.hashes(level: 0), index)
            try await write(.entries, index)
            progress(min(size, (index + 1) * 256))
        }
        for level in 1...LedgerLayout.highestLevel {
            let hashes = TilePath.count(of: .hashes(level: level), inTreeOf: size)
            for index in 0..<(hashes + 255) / 256 {
                try await write(.hashes(level: level), index)
            }
        }
        var number = 1
        while let change = try await source.keyChange(number) {
            try fileSystem.createDirectory(directory.appending("keys"), permissions: permissions)
            try fileSystem.writeAtomically(
                change, to: directory.appending(KeyHistory.path(number)),
                permissions: .ownerReadWrite.union([.groupRead, .otherRead]))
            number += 1
        }
        try fileSystem.writeAtomically(
            signed.note.bytes, to: directory.appending("checkpoint"),
            permissions: .ownerReadWrite.union([.groupRead, .otherRead]))
    }

    /// What is exported is for others to read.
    private static let permissions: FilePermissions = [
        .ownerReadWriteExecute, .groupRead, .groupExecute, .otherRead, .otherExecute,
    ]
}
