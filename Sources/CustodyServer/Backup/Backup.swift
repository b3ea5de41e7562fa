package import DurableFiles
package import EventModel
import EventStore
import Foundation
import GRDB
import Journal
package import Ledger
package import SystemPackage

/// `custody backup`: a consistent copy of a data directory, also while its server runs and without asking it.
///
/// What is stored makes that possible: journal and ledger files only grow, segments never change, and the manifest and the
/// checkpoint are replaced in one step. The order is what counts. The journal's files are opened first, so that what the
/// server recycles meanwhile stays readable; then state, ledger and segments are copied; then the journal, which reaches
/// from before the oldest cursor to beyond everything else. What it holds beyond the checkpoint is replayed by a start.
package struct Backup: Sendable {
    /// How often the segments are looked at anew when a server merges them away while they are opened.
    private static let attempts = 8
    private static let journalSuffix = ".journal"
    static let furtherDirectories = ["rules", "pending-leaves", "lost-records"]

    package struct Report: Sendable {
        package var copiedFiles = 0
        package var copiedBytes: UInt64 = 0
        /// Files that an earlier backup had already.
        package var keptFiles = 0
        package var checkpoint: SignedCheckpoint
        package var verification: VerificationReport
    }

    private let data: ServerConfiguration
    private let target: ServerConfiguration
    private let fileSystem: any FileSystem
    private let key: VerifierKey

    package init(
        of data: FilePath, to target: FilePath, key: VerifierKey, fileSystem: any FileSystem = RealFileSystem()
    ) {
        var configuration = ServerConfiguration()
        configuration.dataDirectory = data
        self.data = configuration
        configuration.dataDirectory = target
        self.target = configuration
        self.fileSystem = fileSystem
        self.key = key
    }

    /// Makes or renews the backup, and verifies what was written.
    ///
    /// - Parameter includingKeys: Whether the installation's keys are copied too. Whoever has them can sign for the ledger.
    /// - Throws: ``ConfigurationError`` when the target is something else, or another ledger's backup; `DurableFilesError`.
    package func run(
        includingKeys: Bool, now: Timestamp, progress: @escaping @Sendable (UInt64) -> Void = { _ in }
    ) async throws -> Report {
        try fileSystem.createDirectory(target.dataDirectory)
        let lock = try fileSystem.lock(directory: target.dataDirectory)
        defer { withExtendedLifetime(lock) {} }
        let earlier = try checkTarget()
        var copy = FileCopy(fileSystem: fileSystem)
        // From here on the target is no finished backup.
        let record = target.dataDirectory.appending(BackupRecord.fileName)
        if try fileSystem.exists(record) { try fileSystem.remove(record) }
        let early = try journalFiles()
        try copyState()
        let checkpoint = try copyLedger(&copy)
        try copySegments(&copy)
        // After the segments: what was read again of events that are destroyed meanwhile goes first, and is not copied then.
        try copyOverlays(&copy)
        try copyJournal(early, &copy)
        try copyRest(&copy)
        if includingKeys { try copyKeys(&copy) }
        try copy.finish()
        let verification = try await DataDirectoryVerifier(
            directory: target.dataDirectory, fileSystem: fileSystem, key: key
        ).verify(progress: progress)
        if let earlier, verification.isIntact {
            let ledger = try LedgerReader(directory: target.ledger, fileSystem: fileSystem, key: key)
            _ = try await LedgerVerifier(source: ledger, key: key).verifyConsistency(
                with: earlier.checkpoint.checkpoint)
        }
        if verification.isIntact {
            try BackupRecord(key: key, checkpoint: checkpoint, created: now)
                .write(to: target.dataDirectory, fileSystem: fileSystem)
        }
        return Report(
            copiedFiles: copy.copiedFiles, copiedBytes: copy.copiedBytes, keptFiles: copy.keptFiles,
            checkpoint: checkpoint, verification: verification)
    }

    /// The backup that is there already; nil for a fresh directory or an unfinished backup.
    private func checkTarget() throws -> BackupRecord? {
        let names = try fileSystem.list(target.dataDirectory).filter { $0 != DirectoryLock.fileName }
        guard names.contains(BackupRecord.fileName) else {
            let ours =
                ["journal", "ledger", "segments", "overlays", "keys", "state.db", "vkey"] + Self.furtherDirectories
            guard names.allSatisfy({ name in ours.contains { name.hasPrefix($0) } }) else {
                throw ConfigurationError("\(target.dataDirectory) holds something else than a backup")
            }
            guard names.isEmpty || names.contains("vkey") else {
                throw ConfigurationError(
                    "\(target.dataDirectory) looks like a data directory; give the backup one of its own")
            }
            return nil
        }
        let record = try BackupRecord(readingFrom: target.dataDirectory, fileSystem: fileSystem)
        guard record.key == key else {
            throw ConfigurationError("\(target.dataDirectory) is the backup of another ledger, \(record.key.name)")
        }
        return record
    }

    private func journalFiles() throws -> [String: any File] {
        var files: [String: any File] = [:]
        for name in try fileSystem.list(data.journal) where name.hasSuffix(Self.journalSuffix) {
            do {
                files[name] = try fileSystem.open(data.journal.appending(name), .read)
            } catch let error as DurableFilesError where error.code == .notFound {
                // Recycled between the two calls: every view is past it.
                continue
            }
        }
        return files
    }

    /// SQLite's own backup: consistent whatever the server writes meanwhile.
    private func copyState() throws {
        try fileSystem.writeAtomically(Array("\(key)\n".utf8), to: target.dataDirectory.appending("vkey"))
        guard FileManager.default.fileExists(atPath: data.database.string) else { return }
        let unfinished = target.database.string + ".tmp"
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: unfinished + suffix) }
        var configuration = Configuration()
        configuration.readonly = true
        let source = try DatabaseQueue(path: data.database.string, configuration: configuration)
        _ = FileManager.default.createFile(
            atPath: unfinished, contents: nil, attributes: [.posixPermissions: 0o600])
        let copy = try DatabaseQueue(path: unfinished)
        try source.backup(to: copy)
        try copy.close()
        try source.close()
        try fileSystem.open(FilePath(unfinished), .write).synchronizeData()
        try fileSystem.rename(FilePath(unfinished), to: target.database)
    }

    /// The checkpoint first: the files that only grow then hold all that it covers.
    private func copyLedger(_ copy: inout FileCopy) throws -> SignedCheckpoint {
        let name = "checkpoint"
        let note = try fileSystem.contents(of: data.ledger.appending(name))
        let checkpoint = try SignedCheckpoint(parsing: note, verifiedBy: key)
        for part in ["entries", "levels", "keys"] {
            guard try fileSystem.exists(data.ledger.appending(part)) else { continue }
            for file in try fileSystem.list(data.ledger.appending(part)) {
                let source = try fileSystem.open(data.ledger.appending(part).appending(file), .read)
                try copy.copyUnlessAsLong(source, to: target.ledger.appending(part).appending(file))
            }
        }
        try fileSystem.createDirectory(target.ledger)
        try fileSystem.writeAtomically(note, to: target.ledger.appending(name))
        // The size that was synchronised last is of the server's own run; a restored ledger goes on from its checkpoint.
        let head = target.ledger.appending("head")
        if try fileSystem.exists(head) { try fileSystem.remove(head) }
        return checkpoint
    }

    private func copySegments(_ copy: inout FileCopy) throws {
        try copyStore(from: data.segments, to: target.segments, label: "", &copy) {
            let inspection = try SegmentInspection(directory: data.segments, fileSystem: fileSystem)
            return (inspection.segments, inspection.faults)
        }
    }

    /// What was read again: made of what is sealed, but by connectors that may be no more.
    private func copyOverlays(_ copy: inout FileCopy) throws {
        try copyStore(from: data.overlays, to: target.overlays, label: "overlays/", &copy) {
            let inspection = try OverlayInspection(directory: data.overlays, fileSystem: fileSystem)
            return (inspection.segments, inspection.faults)
        }
    }

    /// Copies what a manifest names, and the manifest.
    ///
    /// - Parameter label: How the names of the segments begin that `inspect` finds.
    private func copyStore(
        from source: FilePath, to target: FilePath, label: String, _ copy: inout FileCopy,
        _ inspect: () throws -> (segments: [SegmentReader], faults: [SegmentFault])
    ) throws {
        let manifest = source.appending("manifest")
        for attempt in 1...Self.attempts {
            do {
                guard try fileSystem.exists(manifest) else { return }
                let text = try fileSystem.contents(of: manifest)
                let found = try inspect()
                let files = try found.segments.map { segment in
                    let name = String(segment.name.dropFirst(label.count))
                    return (name, try fileSystem.open(source.appending(name), .read))
                }
                guard found.faults.isEmpty, try fileSystem.contents(of: manifest) == text else {
                    guard attempt < Self.attempts else {
                        let fault = found.faults.first.map { ": \($0)" } ?? ""
                        throw ConfigurationError("the segments cannot be copied\(fault)")
                    }
                    continue
                }
                var wanted: [String: Set<String>] = [:]
                for (name, file) in files {
                    try copy.copyUnlessSame(file, to: target.appending(name))
                    let path = FilePath(name)
                    wanted[path.removingLastComponent().string, default: []].insert(path.lastComponent?.string ?? "")
                }
                try fileSystem.createDirectory(target)
                try fileSystem.writeAtomically(text, to: target.appending("manifest"))
                for day in try fileSystem.list(target) where day != "manifest" {
                    for number in try fileSystem.list(target.appending(day)) {
                        try copy.remove(
                            in: target.appending(day).appending(number), besides: wanted["\(day)/\(number)"] ?? [])
                    }
                }
                return
            } catch let error as DurableFilesError where error.code == .notFound && attempt < Self.attempts {
                continue
            }
        }
    }

    private func copyJournal(_ early: [String: any File], _ copy: inout FileCopy) throws {
        var files = early
        for (name, file) in try journalFiles() { files[name] = file }
        for (name, file) in files.sorted(by: { $0.key < $1.key }) {
            try copy.copy(file, to: target.journal.appending(name))
        }
        try copy.remove(in: target.journal, besides: Set(files.keys))
    }

    /// Rules that were added, and leaves that wait for the next start.
    private func copyRest(_ copy: inout FileCopy) throws {
        for name in Self.furtherDirectories {
            let source = data.dataDirectory.appending(name)
            let directory = target.dataDirectory.appending(name)
            guard try fileSystem.exists(source) else {
                try copy.remove(in: directory, besides: [])
                continue
            }
            let files = try fileSystem.list(source)
            for file in files {
                try copy.copy(try fileSystem.open(source.appending(file), .read), to: directory.appending(file))
            }
            try copy.remove(in: directory, besides: Set(files))
        }
    }

    /// Without the witness's key: a witness that was rolled back could cosign two histories.
    private func copyKeys(_ copy: inout FileCopy) throws {
        for name in try fileSystem.list(data.keys) where name != "witness.key" {
            try copy.copy(try fileSystem.open(data.keys.appending(name), .read), to: target.keys.appending(name))
        }
    }
}
