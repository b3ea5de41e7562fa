package import DurableFiles
package import SystemPackage

/// The one writer of a journal. It makes groups of pages durable and gives their records the ledger's indexes.
///
/// One thread owns a writer: it is not Sendable, and its calls block on the disk, so open it on the thread that uses it.
/// Others read through ``reader``. Only one process may have a journal open: hold ``FileSystem/lock(directory:)``.
package final class JournalWriter {
    /// Reads what was appended, from any thread.
    package let reader: JournalReader
    /// What recovery found when the journal was opened.
    package let recovery: JournalRecovery
    /// The index that the next record gets.
    package private(set) var nextIndex: UInt64

    let fileSystem: any FileSystem
    let directory: FilePath
    private let configuration: JournalConfiguration
    private var generator: any RandomNumberGenerator
    private var tail: JournalTail
    /// The seeds of the bundle that `nextIndex` is in.
    private var openSeeds: SeedTable
    private var encoder = FrameEncoder()
    private var failure: JournalError?
    /// From this index on no frame needs a seed that is in an older one only.
    private var seedsBegin: UInt64 = 0

    /// Opens the journal in a directory, or begins one there, and recovers it.
    ///
    /// A torn write at the end of the newest file, which was never acknowledged, is cut off; its bytes are kept beside
    /// the journal and ``recovery`` tells of it. The last frame is written again, because after a failed
    /// synchronisation the cache may show bytes that no disk holds. When this returns, everything up to
    /// ``nextIndex`` is durable.
    /// - Parameters:
    ///   - random: the source of seeds. It has to be a cryptographic one.
    /// - Throws: `altered` with file and offset when anything but a torn end is wrong; nothing was changed then.
    ///   `readFailed`, `diskFull`, `writeFailed` or `syncFailed` for the disk's own failures.
    /// - Complexity: reads and hashes all that the journal holds, about 1 s a GiB.
    package init(
        directory: FilePath, fileSystem: any FileSystem, random: any RandomNumberGenerator,
        configuration: JournalConfiguration = JournalConfiguration()
    ) throws {
        var generator = random
        let recovered = try JournalRecoverer(directory: directory, fileSystem: fileSystem).recover(&generator)
        self.directory = directory
        self.fileSystem = fileSystem
        self.configuration = configuration
        self.generator = generator
        tail = recovered.tail
        openSeeds = recovered.openSeeds
        nextIndex = recovered.nextIndex
        recovery = recovered.report
        reader = JournalReader(JournalCatalogue(files: recovered.files, nextIndex: recovered.nextIndex))
    }

    /// Makes a group of pages durable, and gives their kept records the next indexes, in order.
    ///
    /// When this returns, the group survives power loss, as a whole; readers see it. Records that the masks drop get no
    /// index; a page that keeps none is not written.
    /// - Throws: `diskFull` or `writeFailed`: nothing of the group was kept and the journal goes on. `tooLarge`:
    ///   nothing was written. `syncFailed` or `unusable` (``JournalError/isFatal``): the process must end; whether the
    ///   group was kept is known after the next start.
    /// - Parameter beginsFile: Begins a new file, and with new seeds: nothing before it is needed any more, so that after
    ///   destruction ``recycle(before:)`` can remove it, whichever bundle is open.
    /// - Complexity: one copy and one hash of the compressed bytes, one write, one synchronisation (two when a new
    ///   file is begun).
    package func append(
        _ pages: [(page: JournalPage, kept: RecordMask)], beginsFile: Bool = false
    ) throws -> JournalAppend {
        if let failure { throw failure }
        guard pages.count <= JournalLimits.framePages else {
            throw JournalError(.tooLarge, "a group has \(pages.count) pages, more than \(JournalLimits.framePages)")
        }
        for (page, kept) in pages where page.count != kept.count {
            throw JournalError(.malformedPage, "a mask of \(kept.count) does not fit a page of \(page.count)")
        }
        if beginsFile { openSeeds = SeedTable() }
        let assigned = assign(pages)
        guard !assigned.indexes.isEmpty else { return assigned }
        try store(pages.filter { $0.kept.keptCount > 0 }, assigned, beginsFile: beginsFile)
        if beginsFile { seedsBegin = assigned.indexes.lowerBound }
        nextIndex = assigned.indexes.upperBound
        openSeeds.formUnion(assigned.seeds)
        openSeeds.keepOnly(bundle: JournalBundle.number(of: nextIndex))
        return assigned
    }

    /// Removes the oldest files whose records are all below an index: they are sealed elsewhere.
    ///
    /// Keeps the newest file always, and what holds seeds of the bundle that is still filling. Readers that are in a
    /// removed file finish undisturbed.
    /// - Returns: the number of files removed.
    /// - Throws: `writeFailed` or `syncFailed`.
    @discardableResult
    package func recycle(before index: UInt64) throws -> Int {
        if let failure { throw failure }
        // A seed of the open bundle may be in an old file only, and its partition may still grow.
        let bound = min(index, max(seedsBegin, JournalBundle.number(of: nextIndex) * JournalBundle.size))
        var removed = 0
        while let path = reader.catalogue.removeOldest(before: bound) {
            try guarding(path) {
                try fileSystem.remove(path)
                // One at a time: a later file that is gone before an earlier one would be a gap.
                try fileSystem.synchronizeDirectory(directory)
            }
            removed += 1
        }
        return removed
    }

    private func assign(_ pages: [(page: JournalPage, kept: RecordMask)]) -> JournalAppend {
        var index = nextIndex
        var seeds = SeedTable()
        let firstIndexes = pages.map { page, kept -> UInt64? in
            guard kept.keptCount > 0 else { return nil }
            let indexes = index..<index + UInt64(kept.keptCount)
            index = indexes.upperBound
            for bundle in JournalBundle.numbers(of: indexes) where seeds[bundle: bundle, page.partition] == nil {
                let known = openSeeds[bundle: bundle, page.partition]
                seeds[bundle: bundle, page.partition] = known ?? SaltSeed(root: Bytes32(using: &generator))
            }
            return indexes.lowerBound
        }
        return JournalAppend(firstIndexes: firstIndexes, indexes: nextIndex..<index, seeds: seeds)
    }

    private func store(
        _ pages: [(page: JournalPage, kept: RecordMask)], _ assigned: JournalAppend, beginsFile isWanted: Bool
    ) throws {
        // A file without a frame is never left behind: the next one would have its name.
        let beginsFile = (isWanted || tail.end >= configuration.fileBytes) && tail.end > UInt64(FileHeader.bytes)
        let fileHeader = beginsFile ? FileHeader(firstIndex: nextIndex, previous: tail.digest) : nil
        try encoder.encode(
            pages, seeds: assigned.seeds, firstIndex: nextIndex, after: fileHeader?.digest ?? tail.digest,
            prefix: fileHeader?.encoded ?? [])
        let frame = JournalCatalogue.Frame(
            firstIndex: nextIndex, offset: beginsFile ? UInt64(FileHeader.bytes) : tail.end,
            length: UInt32(encoder.bytes.count - (beginsFile ? FileHeader.bytes : 0)))
        if beginsFile {
            try beginFile(frame)
        } else {
            try extend(frame)
        }
        tail.end = frame.offset + UInt64(frame.length)
        tail.digest = encoder.digest
        reader.catalogue.append(frame, nextIndex: assigned.indexes.upperBound)
    }

    private func extend(_ frame: JournalCatalogue.Frame) throws {
        let (file, end) = (tail.file, tail.end)
        do {
            try file.write(encoder.bytes, at: end)
        } catch let error as DurableFilesError {
            // The cut must be durable too: a refused group must not come back in part after power loss.
            try guarding(file.path) {
                try file.truncate(to: end)
                try file.synchronizeData()
            }
            throw refused(error, file.path)
        }
        try guarding(file.path) { try file.synchronizeData() }
    }

    private func beginFile(_ frame: JournalCatalogue.Frame) throws {
        let path = directory.appending(JournalFileName.name(firstIndex: nextIndex))
        let file: any File
        do {
            file = try fileSystem.open(path, .createNew(.privateFile))
        } catch let error as DurableFilesError {
            throw refused(error, path)
        }
        do {
            try file.write(encoder.bytes, at: 0)
        } catch let error as DurableFilesError {
            try guarding(path) {
                try fileSystem.remove(path)
                try fileSystem.synchronizeDirectory(directory)
            }
            throw refused(error, path)
        }
        try guarding(path) {
            try file.synchronizeData()
            try fileSystem.synchronizeDirectory(directory)
        }
        tail.file = file
        reader.catalogue.beginFile(JournalCatalogue.File(firstIndex: nextIndex, file: file))
    }

    /// Does what cannot be undone: a failure here ends the journal for this process.
    private func guarding(_ path: FilePath, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as DurableFilesError {
            let code: JournalError.Code = error.code == .syncFailed ? .syncFailed : .unusable
            let fatal = JournalError(code, "the journal cannot go on", file: path, cause: error)
            failure = fatal
            throw fatal
        }
    }

    private func refused(_ error: DurableFilesError, _ path: FilePath) -> JournalError {
        JournalError(
            error.code == .diskFull ? .diskFull : .writeFailed, "a group was not written", file: path, cause: error)
    }
}

@available(*, unavailable)
extension JournalWriter: Sendable {}
