package import DurableFiles
package import SystemPackage

/// The segments that a manifest names, opened for reading alone: for verification, also while a server runs. Nothing is
/// written or removed.
package struct SegmentInspection: Sendable {
    package let segments: [SegmentReader]
    /// Segments that are missing or whose header is damaged.
    package let faults: [SegmentFault]

    /// - Throws: `manifestUnusable`, `unknownVersion`, or `DurableFilesError`.
    package init(directory path: FilePath, fileSystem: any FileSystem) throws {
        let directory = SegmentDirectory(path: path, fileSystem: fileSystem)
        var segments: [SegmentReader] = []
        var faults: [SegmentFault] = []
        for entry in try directory.loadManifest().segments {
            do {
                segments.append(try directory.open(entry))
            } catch let fault as SegmentFault {
                faults.append(fault)
            }
        }
        self.segments = segments
        self.faults = faults
    }
}
