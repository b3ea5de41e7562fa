import DurableFiles
import EventModel
import Journal
import SystemPackage

/// The overlays that are live, and where they lie over segments. Only the store's owner thread touches it.
struct OverlaySet {
    struct File {
        let source: String
        let entry: SegmentEntry
        /// Nil for a damaged or missing file: what it said is not searched, the sealed reading is.
        let reader: SegmentReader?
    }

    let directory: OverlayDirectory
    private(set) var files: [File] = []
    /// How often a reading was published since the store was opened: cursors of before are no longer good.
    private(set) var version = 0
    private(set) var faults: [SegmentFault] = []
    /// The draft that is open.
    var draft: OverlayDraft?
    /// What is known already of an overlay over a segment.
    private var pairs: [PairKey: KnownPair] = [:]

    /// Keeps both readers, so that their identities are nobody else's.
    private struct KnownPair {
        let overlay: SegmentReader
        let base: SegmentReader
        /// Nil where no row of one is in the other.
        let pair: OverlayPair?
    }

    private struct PairKey: Hashable {
        let overlay: ObjectIdentifier
        let base: ObjectIdentifier
    }

    /// Opens what the manifest names and removes what it does not name. A manifest that cannot be used names nothing: overlays are
    /// made of what is sealed and can be made again.
    init(_ directory: OverlayDirectory) throws {
        self.directory = directory
        do {
            for file in try directory.storedManifest().files {
                do {
                    let reader = try directory.segments.open(file.entry)
                    files.append(File(source: file.source, entry: file.entry, reader: reader))
                } catch let fault as SegmentFault {
                    files.append(File(source: file.source, entry: file.entry, reader: nil))
                    faults.append(fault)
                }
            }
        } catch let error as EventStoreError {
            files = []
            faults.append(
                SegmentFault(file: "overlays/manifest", section: "manifest", offset: 0, reason: error.reason))
            // What nobody names any more must not stay: nothing would find it when events are destroyed.
            try directory.publish(OverlayManifest())
        }
        try directory.removeStrays(besides: manifest(of: files))
    }

    /// Removes what lies over no segment: of a day and class whose events are all gone.
    mutating func removeOrphans(besides partitions: Set<JournalPartition>) throws {
        let orphans = files.filter { !partitions.contains($0.entry.partition) }
        if !orphans.isEmpty { try replace(orphans, by: []) }
    }

    /// The generation of the next draft's files: no file of it bears the name of one that is read.
    var nextGeneration: Int { (files.map(\.entry.generation).max() ?? 0) + 1 }

    private func manifest(of files: [File]) -> OverlayManifest {
        var manifest = OverlayManifest()
        manifest.files = files.map { .init(source: $0.source, entry: $0.entry) }
        return manifest
    }

    // MARK: Changing

    /// Puts the files of a draft in the place of all that the source had.
    ///
    /// - Throws: `diskFull` when nothing has changed.
    mutating func publish(_ made: [SegmentReader], of source: String) throws {
        try replace(files.filter { $0.source == source }, by: made.map { (source, $0) })
        version += 1
    }

    /// The changes of some files that take rows out of them: for each, what is left of it when that was written.
    func changes(for change: SegmentRewrite) throws -> [(file: File, change: SegmentRewrite?)] {
        try files.compactMap { file in
            let span = file.entry.indexes.lowerBound.rawValue...file.entry.indexes.upperBound.rawValue
            let dropped = (change.dropped[file.entry.partition] ?? LeafRanges())
                .union(LeafRanges(change.redacted.keys.filter(span.contains)))
            guard dropped.overlaps(span) else { return nil }
            // Nobody can say which rows a damaged file has.
            guard let reader = file.reader else { return (file, nil) }
            var index = try reader.leafIndexes()
            let going = (0..<reader.rowCount).reduce(0) { $0 + (dropped.contains(index($1).rawValue) ? 1 : 0) }
            guard going > 0 else { return nil }
            guard going < reader.rowCount else { return (file, nil) }
            var rest = SegmentRewrite(groupHash: change.groupHash)
            rest.dropped[file.entry.partition] = dropped
            return (file, rest)
        }
    }

    /// Puts other files in the place of some: publishes first, then removes what is no longer named.
    mutating func replace(_ old: [File], by made: [(source: String, reader: SegmentReader)]) throws {
        let gone = Set(old.map(\.entry.path))
        let next =
            files.filter { !gone.contains($0.entry.path) }
            + made.map { File(source: $0.source, entry: SegmentEntry($0.reader), reader: $0.reader) }
        try directory.publish(manifest(of: next))
        files = next
        for file in old {
            // A damaged file may be missing.
            let path = directory.segments.path.appending(file.entry.path)
            guard try directory.segments.fileSystem.exists(path) else { continue }
            try directory.segments.remove(file.entry.path)
            try directory.segments.fileSystem.synchronizeDirectory(path.removingLastComponent())
        }
    }

    // MARK: Reading

    /// What the source's events read like now, ascending.
    func readers(of source: String) -> [SegmentReader] {
        files.filter { $0.source == source }.compactMap(\.reader).sorted {
            $0.header.firstIndex < $1.header.firstIndex
        }
    }

    /// The overlays and where they lie over segment files.
    ///
    /// Cost: nothing for pairs that were looked at before; else a look at each row of an overlay.
    mutating func view(over bases: [SegmentReader]) -> OverlayView {
        guard !files.isEmpty else {
            pairs = [:]
            return OverlayView(version: version)
        }
        var view = OverlayView(version: version)
        var known: [PairKey: KnownPair] = [:]
        for reader in files.compactMap(\.reader) {
            let number = view.overlays.count
            view.overlays.append(reader)
            for base in bases where base.isFile && base.partition == reader.partition {
                guard base.indexes.overlaps(reader.indexes) else { continue }
                let key = PairKey(overlay: ObjectIdentifier(reader), base: ObjectIdentifier(base))
                let entry =
                    pairs[key] ?? KnownPair(overlay: reader, base: base, pair: OverlayPair(reader, over: base))
                known[key] = entry
                guard var pair = entry.pair else { continue }
                pair.overlay = number
                view.pairs.append(pair)
            }
        }
        pairs = known
        return view
    }
}
