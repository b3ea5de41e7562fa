internal import DurableFiles
internal import SystemPackage

/// Brings the stored files back to a known size after a restart, whatever moment the last run ended at.
///
/// What a checkpoint or head covers was synchronised before it was written and must be there. What lies beyond was never
/// promised, may be torn, and is cut off: the journal has it.
struct LedgerRecovery {
    /// What a restart goes on from.
    struct State {
        let published: SignedCheckpoint?
        let frontier: TreeFrontier
        /// The bytes of details in the part that is growing.
        let detailsLength: UInt64
        /// The column's state after the last stored entry.
        let column: DetailColumn
    }

    let layout: LedgerLayout
    let fileSystem: any FileSystem
    private var columns: ColumnReader { ColumnReader(layout: layout, fileSystem: fileSystem) }
    private var tiles: StoredTiles { StoredTiles(columns: columns) }

    init(layout: LedgerLayout, fileSystem: any FileSystem) {
        self.layout = layout
        self.fileSystem = fileSystem
    }

    /// Recovers the files.
    ///
    /// - Throws: ``LedgerError/Code/corrupt`` when what is stored does not have the root that was promised,
    ///   ``LedgerError/Code/signatureInvalid`` when the checkpoint is not the key's.
    /// - Complexity: a look at each file's size, and the right edge of the tree.
    func run(keys: [VerifierKey]) throws -> State {
        let published = try checkpoint(keys: keys)
        let head = try head(origin: keys[0].name)
        let promised = max(published?.checkpoint.size ?? 0, head?.size ?? 0)
        let size = try storedSize(upTo: promised)
        try completeLevels(size: size)
        let frontier = try frontier(size: size)
        for promise in [published?.checkpoint, head].compactMap({ $0 }) where promise.size <= size {
            try check(promise)
        }
        let (detailsLength, column) = try details(size: size)
        try cutOff(size: size, detailsLength: detailsLength)
        return State(published: published, frontier: frontier, detailsLength: detailsLength, column: column)
    }

    private func checkpoint(keys: [VerifierKey]) throws -> SignedCheckpoint? {
        guard try fileSystem.exists(layout.checkpoint) else {
            // The empty log is signed before its first entry is written.
            for name in try fileSystem.list(layout.entries) where try length(layout.entries.appending(name)) > 0 {
                throw LedgerError(.corrupt, "\(layout.checkpoint) is missing, but there are entries")
            }
            return nil
        }
        return try SignedCheckpoint(parsing: try fileSystem.contents(of: layout.checkpoint), verifiedBy: keys)
    }

    private func head(origin: String) throws -> Checkpoint? {
        guard try fileSystem.exists(layout.head) else { return nil }
        let head = try Checkpoint(parsing: try fileSystem.contents(of: layout.head))
        guard head.origin == origin else { throw LedgerError(.corrupt, "\(layout.head) is of another log") }
        return head
    }

    /// How many of the promised entries are there: all, unless files were lost, and then whole bundles only.
    private func storedSize(upTo promised: UInt64) throws -> UInt64 {
        var part: UInt64 = 0
        while part * LedgerLayout.partSize < promised {
            let start = part * LedgerLayout.partSize
            let wanted = min(promised - start, LedgerLayout.partSize)
            let roots = try length(layout.roots(part: part)) / UInt64(TreeHash.byteCount)
            let bundles = try length(layout.bundles(part: part)) / LedgerLayout.bundleRecordSize
            guard roots >= wanted, bundles >= wanted / 256 else { return start + min(roots / 256, bundles) * 256 }
            let detailsEnd = try columns.detailsEnd(part: part, bundles: wanted / 256)
            guard try length(layout.details(part: part)) >= detailsEnd + wanted % 256 else {
                throw LedgerError(.corrupt, "\(layout.details(part: part)) is shorter than its entries")
            }
            part += 1
        }
        return promised
    }

    /// Computes hashes of level 2 and above that are missing from those below.
    private func completeLevels(size: UInt64) throws {
        for level in LedgerLayout.lowestStoredLevel...LedgerLayout.highestLevel {
            let wanted = TilePath.count(of: .hashes(level: level), inTreeOf: size)
            let stored = try length(layout.level(level)) / UInt64(TreeHash.byteCount)
            guard stored < wanted else { continue }
            var file = GrowingFile(path: layout.level(level), length: stored * UInt64(TreeHash.byteCount))
            for index in stored..<wanted {
                file.append(MerkleHashing.root(try columns.hashes(level: level - 1, index * 256..<(index + 1) * 256)))
            }
            if try file.flush(to: fileSystem) { try fileSystem.synchronizeDirectory(layout.levels) }
        }
    }

    private func frontier(size: UInt64) throws -> TreeFrontier {
        let levels = try (0...LedgerLayout.highestLevel).map { level in
            let content = TilePath.Content.hashes(level: level)
            let count = TilePath.count(of: content, inTreeOf: size)
            guard let path = TilePath(content, index: count / 256, inTreeOf: size) else { return [TreeHash]() }
            return try tiles.hashes(path, inTreeOf: size)
        }
        return TreeFrontier(size: size, levels: levels)
    }

    private func check(_ promise: Checkpoint) throws {
        let root = try tiles.hashes(of: .root(of: promise.size), inTreeOf: promise.size).first
        guard root == promise.root else {
            throw LedgerError(
                .corrupt, "the stored tree does not have the root of its checkpoint of \(promise.size) leaves")
        }
    }

    /// Where the details of the growing part end, and the column's state there.
    private func details(size: UInt64) throws -> (UInt64, DetailColumn) {
        let part = size / LedgerLayout.partSize
        let bundles = size % LedgerLayout.partSize / 256
        var column = DetailColumn()
        var codes: [UInt8] = []
        if size % 256 > 0 {
            for entry in try columns.bundle(size / 256, width: Int(size % 256)) {
                column.encode(entry, to: &codes)
            }
        }
        return (try columns.detailsEnd(part: part, bundles: bundles) + UInt64(codes.count), column)
    }

    /// Cuts every file to what `size` entries take, so that a torn end is never mistaken for data.
    private func cutOff(size: UInt64, detailsLength: UInt64) throws {
        let part = size / LedgerLayout.partSize
        let inPart = size % LedgerLayout.partSize
        var lengths: [FilePath: UInt64] = [
            layout.roots(part: part): inPart * UInt64(TreeHash.byteCount),
            layout.bundles(part: part): inPart / 256 * LedgerLayout.bundleRecordSize,
            layout.details(part: part): detailsLength,
        ]
        for level in LedgerLayout.lowestStoredLevel...LedgerLayout.highestLevel {
            let count = TilePath.count(of: .hashes(level: level), inTreeOf: size)
            lengths[layout.level(level)] = count * UInt64(TreeHash.byteCount)
        }
        // At most the next part was begun for each that was promised, but a directory that was tampered with may have more.
        for name in try fileSystem.list(layout.entries) {
            guard let number = name.split(separator: ".").first.flatMap({ UInt64($0) }), number > part else { continue }
            lengths[layout.entries.appending(name)] = 0
        }
        for (path, length) in lengths where try self.length(path) > length {
            try fileSystem.open(path, .write).truncate(to: length)
        }
    }

    private func length(_ path: FilePath) throws -> UInt64 {
        guard try fileSystem.exists(path) else { return 0 }
        return try fileSystem.open(path, .read).size()
    }
}
