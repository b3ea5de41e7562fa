package import DurableFiles
import EventModel
package import SystemPackage

/// The files of what was read again: a manifest, and under `DAY/CLASS/` segments of the rows that read otherwise.
struct OverlayDirectory: Sendable {
    let segments: SegmentDirectory

    init(path: FilePath, fileSystem: any FileSystem) {
        segments = SegmentDirectory(path: path, fileSystem: fileSystem, label: "overlays/")
    }

    private var manifestPath: FilePath { segments.path.appending(OverlayManifest.fileName) }

    /// The manifest; an empty one where there is none.
    ///
    /// - Throws: `manifestUnusable`, `unknownVersion`.
    func storedManifest() throws -> OverlayManifest {
        guard try segments.fileSystem.exists(manifestPath) else { return OverlayManifest() }
        return try OverlayManifest(segments.fileSystem.contents(of: manifestPath))
    }

    /// Replaces the manifest, durably and in one step.
    func publish(_ manifest: OverlayManifest) throws {
        try segments.fileSystem.createDirectory(segments.path)
        try segments.fileSystem.writeAtomically(manifest.encoded(), to: manifestPath)
    }

    /// Removes the files that the manifest does not name.
    func removeStrays(besides manifest: OverlayManifest) throws {
        guard try segments.fileSystem.exists(segments.path) else { return }
        _ = try segments.removeStrays(besides: manifest.files.map(\.entry))
    }
}

/// The overlays that a manifest names, opened for reading alone: for verification, backup and rebuilding. Nothing is written.
package struct OverlayInspection: Sendable {
    /// A running server replaces the manifest when it publishes or forgets; more rounds than this mean damage.
    private static let attempts = 5

    package let segments: [SegmentReader]
    /// What cannot be opened: files, or the manifest.
    package let faults: [SegmentFault]

    package init(directory path: FilePath, fileSystem: any FileSystem) throws {
        let directory = OverlayDirectory(path: path, fileSystem: fileSystem)
        var opened: (segments: [SegmentReader], faults: [SegmentFault]) = ([], [])
        do {
            var manifest = try directory.storedManifest()
            opened = try Self.open(manifest, in: directory)
            for _ in 1..<Self.attempts where !opened.faults.isEmpty {
                let now = try directory.storedManifest()
                guard now != manifest else { break }
                manifest = now
                opened = try Self.open(manifest, in: directory)
            }
        } catch let error as EventStoreError {
            opened.faults.append(
                SegmentFault(file: "overlays/manifest", section: "manifest", offset: 0, reason: error.reason))
        }
        (segments, faults) = opened
    }

    private static func open(
        _ manifest: OverlayManifest, in directory: OverlayDirectory
    ) throws -> (segments: [SegmentReader], faults: [SegmentFault]) {
        var opened: (segments: [SegmentReader], faults: [SegmentFault]) = ([], [])
        for file in manifest.files {
            do {
                opened.segments.append(try directory.segments.open(file.entry))
            } catch let fault as SegmentFault {
                opened.faults.append(fault)
            }
        }
        return opened
    }
}
