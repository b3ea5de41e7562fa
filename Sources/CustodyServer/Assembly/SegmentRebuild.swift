import DurableFiles
import EventModel
import EventStore
import Foundation
import SystemPackage

/// Writes the search index anew from the payloads: a second store beside the first, which then takes its place.
///
/// The old segments stay until the new ones are complete and durable. A crash at any moment leaves one whole set;
/// ``recover()``, which every start and every rebuild begins with, puts it in its place.
struct SegmentRebuild {
    let segments: FilePath
    let fileSystem: any FileSystem

    private var fresh: FilePath { FilePath(segments.string + ".new") }
    private var old: FilePath { FilePath(segments.string + ".old") }

    /// - Throws: When an event cannot be read: then nothing has changed.
    func run(_ events: StoredEvents) throws {
        try fileSystem.createDirectory(fresh)
        let store = try SegmentStore(directory: fresh, fileSystem: fileSystem)
        try events.forEachBatch { batch in
            store.skip(to: batch.start)
            try store.append(batch, now: WallClock.now())
        }
        try store.close()
        try fileSystem.rename(segments, to: old)
        try fileSystem.rename(fresh, to: segments)
        try fileSystem.synchronizeDirectory(segments.removingLastComponent())
        try remove(old)
    }

    /// Finishes or undoes what a crash has left.
    func recover() throws {
        let isReplaced = try fileSystem.exists(old)
        if isReplaced, try fileSystem.exists(fresh) {
            // It went down between the two renames: the new set was complete.
            try fileSystem.rename(fresh, to: segments)
            try fileSystem.synchronizeDirectory(segments.removingLastComponent())
        }
        if isReplaced { try remove(old) }
        if try fileSystem.exists(fresh) { try remove(fresh) }
    }

    private func remove(_ directory: FilePath) throws {
        try FileManager.default.removeItem(atPath: directory.string)
    }
}
