import DurableFiles
import EventModel
import SystemPackage

/// The store's files: the manifest, and the segments under `DAY/CLASS/`.
struct SegmentDirectory: Sendable {
    let path: FilePath
    let fileSystem: any FileSystem
    /// How the names of its segments begin, so that errors tell them from others.
    var label = ""

    private var manifestPath: FilePath { path.appending(Manifest.fileName) }

    // MARK: The manifest

    /// The manifest; a new one where there is neither a manifest nor any segment.
    ///
    /// - Throws: `manifestUnusable` when segments lie here that no readable manifest names: going on without it would
    ///   take them for left-overs.
    func loadManifest() throws -> Manifest {
        try fileSystem.createDirectory(path)
        if let stored = try storedManifest() { return stored }
        let manifest = Manifest()
        try publish(manifest)
        return manifest
    }

    /// The manifest as it is; nil where there is neither a manifest nor any segment. Writes nothing.
    ///
    /// - Throws: as ``loadManifest()``.
    func storedManifest() throws -> Manifest? {
        guard try fileSystem.exists(path) else { return nil }
        if try fileSystem.exists(manifestPath) { return try Manifest(fileSystem.contents(of: manifestPath)) }
        guard try segmentFiles().isEmpty else {
            throw EventStoreError(.manifestUnusable, "\(manifestPath) is missing, but there are segments beside it")
        }
        return nil
    }

    /// Replaces the manifest, durably and in one step.
    func publish(_ manifest: Manifest) throws {
        try fileSystem.writeAtomically(manifest.encoded(), to: manifestPath)
    }

    // MARK: Segments

    /// Maps a segment that the manifest names and compares it with its entry.
    ///
    /// - Throws: ``SegmentFault`` when it is missing or not the one that the manifest means.
    func open(_ entry: SegmentEntry) throws -> SegmentReader {
        func fault(_ reason: String) -> SegmentFault {
            SegmentFault(file: label + entry.path, section: "file", offset: 0, reason: reason)
        }
        do {
            let reader = try SegmentReader(.file(fileSystem.map(path.appending(entry.path))), name: label + entry.path)
            guard SegmentEntry(reader) == entry else { throw fault("is not the segment that the manifest names") }
            return reader
        } catch let error as DurableFilesError where error.code == .notFound {
            throw fault("is missing")
        } catch let error as EventStoreError {
            throw fault(error.reason)
        }
    }

    /// Writes a merged segment to its file and makes file and name durable. No manifest names it yet.
    func write(_ merger: SegmentMerger) throws -> SegmentReader {
        try writeFile(merger.entryPath) { try merger.write(to: $0) }
    }

    /// Writes a segment file and makes it and its name durable.
    func writeFile(_ entryPath: String, _ body: (SegmentFileSink) throws -> Void) throws -> SegmentReader {
        let file = path.appending(entryPath)
        let directory = file.removingLastComponent()
        try fileSystem.createDirectory(directory)
        // Left by an attempt that did not come to be published.
        if try fileSystem.exists(file) { try fileSystem.remove(file) }
        let target = try fileSystem.open(file, .createNew(.privateFile))
        do {
            try body(SegmentFileSink(target))
        } catch {
            // What was written holds on to space that may be scarce; the original error matters more than this one's.
            try? fileSystem.remove(file)
            throw error
        }
        try target.synchronizeData()
        try fileSystem.synchronizeDirectory(directory)
        return try SegmentReader(.file(fileSystem.map(file)), name: label + entryPath)
    }

    func remove(_ entryPath: String) throws {
        try fileSystem.remove(path.appending(entryPath))
    }

    /// Removes a segment's file.
    func remove(_ segment: SegmentReader) throws { try remove(String(segment.name.dropFirst(label.count))) }

    /// Removes the files that no entry names: what a crash has left between writing and publishing, or between
    /// publishing and removing.
    func removeStrays(besides entries: [SegmentEntry]) throws -> Int {
        let live = Set(entries.map(\.path))
        let strays = try segmentFiles().filter { !live.contains($0) }
        for stray in strays { try remove(stray) }
        return strays.count
    }

    /// The paths of all segment files, whoever names them.
    private func segmentFiles() throws -> [String] {
        var files: [String] = []
        for day in try fileSystem.list(path) where SegmentEntry.dayNumber(day) != nil {
            for retentionClass in try fileSystem.list(path.appending(day)) where UInt16(retentionClass) != nil {
                let names = try fileSystem.list(path.appending(day).appending(retentionClass))
                files += names.filter { $0.hasSuffix(".segment") }.map { "\(day)/\(retentionClass)/\($0)" }
            }
        }
        return files
    }
}
