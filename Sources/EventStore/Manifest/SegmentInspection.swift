package import DurableFiles
package import SystemPackage

/// The segments that a manifest names, opened for reading alone: for verification, also while a server runs. Nothing is
/// written or removed.
package struct SegmentInspection: Sendable {
    /// A running server that merges replaces the manifest every few seconds at most; more rounds than this mean damage.
    private static let attempts = 5

    package let segments: [SegmentReader]
    /// Segments that are missing or whose header is damaged.
    package let faults: [SegmentFault]

    /// - Throws: `manifestUnusable`, `unknownVersion`, or `DurableFilesError`.
    package init(directory path: FilePath, fileSystem: any FileSystem) throws {
        let directory = SegmentDirectory(path: path, fileSystem: fileSystem)
        var manifest = try directory.storedManifest() ?? Manifest()
        var opened = Self.open(manifest, in: directory)
        for _ in 1..<Self.attempts where !opened.faults.isEmpty {
            // Between reading the manifest and opening its files, a server may have merged and removed them.
            let now = try directory.storedManifest() ?? Manifest()
            guard now != manifest else { break }
            manifest = now
            opened = Self.open(manifest, in: directory)
        }
        (segments, faults) = opened
    }

    private static func open(
        _ manifest: Manifest, in directory: SegmentDirectory
    ) -> (segments: [SegmentReader], faults: [SegmentFault]) {
        var segments: [SegmentReader] = []
        var faults: [SegmentFault] = []
        for entry in manifest.segments {
            do {
                segments.append(try directory.open(entry))
            } catch let fault as SegmentFault {
                faults.append(fault)
            } catch {
                faults.append(SegmentFault(file: entry.path, section: "file", offset: 0, reason: "\(error)"))
            }
        }
        return (segments, faults)
    }
}
