internal import DurableFiles
internal import SystemPackage

/// The files that a growing ledger writes: the entries of the present part, and the levels.
struct PendingColumns {
    private struct Part {
        var roots: GrowingFile
        var details: GrowingFile
        var bundles: GrowingFile
    }

    private let layout: LedgerLayout
    /// The growing part last; before it, parts that filled up since the last write.
    private var parts: [Part]
    private var levels: [GrowingFile]
    private var column: DetailColumn
    private var size: UInt64
    /// Directories in which a file was opened whose name may not be durable yet. Kept over failures.
    private var unsynchronized: Set<FilePath> = []

    init(layout: LedgerLayout, recovered state: LedgerRecovery.State) {
        self.layout = layout
        size = state.frontier.size
        column = state.column
        let inPart = size % LedgerLayout.partSize
        let part = size / LedgerLayout.partSize
        parts = [
            Part(
                roots: GrowingFile(path: layout.roots(part: part), length: inPart * UInt64(TreeHash.byteCount)),
                details: GrowingFile(path: layout.details(part: part), length: state.detailsLength),
                bundles: GrowingFile(
                    path: layout.bundles(part: part), length: inPart / 256 * LedgerLayout.bundleRecordSize))
        ]
        levels = (LedgerLayout.lowestStoredLevel...LedgerLayout.highestLevel).map { [size] level in
            let count = TilePath.count(of: .hashes(level: level), inTreeOf: size)
            return GrowingFile(path: layout.level(level), length: count * UInt64(TreeHash.byteCount))
        }
    }

    /// Adds an entry; its hashes follow through ``complete(level:hash:)``.
    mutating func append(_ entry: LeafEntry) {
        if size > 0, size.isMultiple(of: LedgerLayout.partSize), parts[parts.count - 1].roots.length > 0 {
            let part = size / LedgerLayout.partSize
            parts.append(
                Part(
                    roots: GrowingFile(path: layout.roots(part: part), length: 0),
                    details: GrowingFile(path: layout.details(part: part), length: 0),
                    bundles: GrowingFile(path: layout.bundles(part: part), length: 0)))
        }
        if size.isMultiple(of: 256) { column = DetailColumn() }
        size += 1
        let last = parts.count - 1
        parts[last].roots.append(entry.root)
        parts[last].details.append { column.encode(entry, to: &$0) }
    }

    /// Adds the hash of a tile that the last entry filled, at the level above the tile.
    mutating func complete(level: Int, hash: TreeHash) {
        guard level == 1 else {
            levels[level - LedgerLayout.lowestStoredLevel].append(hash)
            return
        }
        let last = parts.count - 1
        parts[last].bundles.append(hash)
        let end = UInt32(parts[last].details.length)
        withUnsafeBytes(of: end.bigEndian) { parts[last].bundles.append($0) }
    }

    /// Writes and synchronises everything that was added.
    ///
    /// - Complexity: three synchronisations, and one for each level that grew.
    mutating func flush(to fileSystem: any FileSystem) throws {
        func flush(_ file: inout GrowingFile, _ directory: FilePath) throws {
            if try file.flush(to: fileSystem) { unsynchronized.insert(directory) }
        }
        for index in parts.indices {
            try flush(&parts[index].roots, layout.entries)
            try flush(&parts[index].details, layout.entries)
            try flush(&parts[index].bundles, layout.entries)
        }
        for index in levels.indices {
            try flush(&levels[index], layout.levels)
        }
        // Without this, power loss may take away the names of new files with all they hold.
        for directory in unsynchronized {
            try fileSystem.synchronizeDirectory(directory)
        }
        unsynchronized.removeAll()
        parts.removeFirst(parts.count - 1)
    }
}
