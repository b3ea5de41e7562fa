package import DurableFiles
package import EventModel
package import Ledger
package import SystemPackage

/// `custody restore`: makes a data directory of a backup, and only one that continues the ledger that was last seen.
package struct Restore: Sendable {
    /// Why a backup is not restored as it is.
    package enum Refusal: Error, Equatable, CustomStringConvertible {
        /// The backup itself does not verify: the first thing that is wrong.
        case damaged(String)
        /// The ledger was seen with more leaves than the backup has: the events after the backup would be gone.
        case older(backup: UInt64, seen: UInt64)
        /// The backup is of another history than what was seen.
        case forked(String)
        /// The ledger was seen with a key that does not follow from the backup's by anything that is known here.
        case otherKey(backup: VerifierKey, seen: VerifierKey)

        package var description: String {
            switch self {
            case .damaged(let fault): "the backup does not verify: \(fault)"
            case .older(let backup, let seen):
                "the backup ends at leaf \(backup), but the ledger was seen with \(seen) leaves: "
                    + "the events \(backup) to \(seen - 1) are not in it"
            case .forked(let reason): "the backup is of another history than what was seen: \(reason)"
            case .otherKey(let backup, let seen):
                "the backup is signed by the key \(backup), but the ledger was seen with \(seen): it is older than a change "
                    + "of the key, or of another history. A newer ledger has the statements of such changes: name it with --newer"
            }
        }
    }

    package struct Report: Sendable {
        package let checkpoint: Checkpoint
        /// Up to which size the ledger was seen before; nil when it never was.
        package let seen: UInt64?
        /// Events that are known to have been lost.
        package var lost: UInt64 { (seen ?? 0) - min(seen ?? 0, checkpoint.size) }
        package let counts: VerificationCounts
        /// Records after the backup that the server's next start appends again, before it serves.
        package var takenBack = 0
        /// Those of which nothing but the leaf is known, in words.
        package var unknownRecords: [String] = []
        /// Whether nothing tells which records came after the backup, although leaves did.
        package var isLaterUnknown = false
    }

    private let backup: FilePath
    private let target: ServerConfiguration
    private let fileSystem: any FileSystem

    package init(from backup: FilePath, to target: FilePath, fileSystem: any FileSystem = RealFileSystem()) {
        self.backup = backup
        var configuration = ServerConfiguration()
        configuration.dataDirectory = target
        self.target = configuration
        self.fileSystem = fileSystem
    }

    /// Verifies the backup, proves that it continues what was seen, and copies it.
    ///
    /// - Parameters:
    ///   - key: The ledger's key from elsewhere; nil to take the backup's own.
    ///   - memory: What this machine has seen of ledgers.
    ///   - newer: A ledger that is known to be newer than the backup: the backup has to be its beginning. Its later records are
    ///     appended again by the server's next start, as far as they are known.
    ///   - keys: Where the installation's keys are, when the backup holds none.
    ///   - acceptedLoss: Why a backup that is older than what was seen is restored all the same; the server puts it on record
    ///     when it starts.
    /// - Throws: ``Refusal``; ``ConfigurationError`` when something is missing or the target is not empty.
    package func run(
        key: VerifierKey?, memory: CheckpointMemory?, newer: NewerLedger? = nil, keys keyDirectory: FilePath? = nil,
        acceptedLoss: String? = nil, now: Timestamp, progress: @escaping @Sendable (UInt64) -> Void = { _ in }
    ) async throws -> Report {
        let record = try BackupRecord(readingFrom: backup, fileSystem: fileSystem)
        if let key, key != record.key {
            throw Refusal.forked("it is signed by the key \(record.key), not by \(key)")
        }
        try checkTarget()
        let keyDirectory = keyDirectory ?? backup.appending("keys")
        try checkKeys(keyDirectory, record.key)
        let verification = try await DataDirectoryVerifier(
            directory: backup, fileSystem: fileSystem, key: record.key
        ).verify(progress: progress)
        guard verification.isIntact, let checkpoint = verification.checkpoint?.checkpoint else {
            throw Refusal.damaged(verification.faults.first ?? "leaves are missing or altered")
        }
        guard checkpoint == record.checkpoint.checkpoint else {
            throw Refusal.damaged("its ledger is not the one that was backed up")
        }
        let keys = try await newer?.source.keys(after: record.key) ?? [record.key]
        let seen = try await compare(checkpoint, keys, memory, newer?.source)
        if let seen, seen > checkpoint.size, acceptedLoss == nil {
            throw Refusal.older(backup: checkpoint.size, seen: seen)
        }
        var later: LaterRecords?
        if let newer { later = try await LaterRecords(of: newer, from: checkpoint.size, keys: keys) }
        try copy(keyDirectory)
        var report = Report(checkpoint: checkpoint, seen: seen, counts: verification.counts)
        report.takenBack = later?.known.count ?? 0
        report.unknownRecords = later?.unknown.map { "\($0.kind) of leaf \($0.leaf)" } ?? []
        report.isLaterUnknown = later == nil && report.lost > 0
        try LostRecords(data: target.dataDirectory, fileSystem: fileSystem).write(later?.known ?? [])
        try RestoreNote(
            restored: now.text, backup: record.created.text, size: checkpoint.size, seen: seen,
            acceptedLoss: acceptedLoss, laterIsKnown: later != nil, unknown: report.unknownRecords
        ).write(to: target.dataDirectory, fileSystem: fileSystem)
        return report
    }

    /// Holds the backup against everything that is known of its ledger. Returns the largest size that was seen.
    ///
    /// - Parameter keys: The backup's, and those that it was changed for since.
    private func compare(
        _ checkpoint: Checkpoint, _ keys: [VerifierKey], _ memory: CheckpointMemory?, _ newer: (any TileSource)?
    ) async throws -> UInt64? {
        let key = keys[0]
        do {
            let remembered: Checkpoint?
            do {
                remembered = try memory?.last(of: key, formerly: keys)
            } catch let error as LedgerError where error.code == .fork {
                guard let seen = try memory?.key(ofOrigin: key.name) else { throw error }
                throw Refusal.otherKey(backup: key, seen: seen)
            }
            if let remembered, remembered.size <= checkpoint.size {
                let ledger = try LedgerReader(
                    directory: backup.appending("ledger"), fileSystem: fileSystem, key: key)
                _ = try await LedgerVerifier(source: ledger, key: key).verifyConsistency(with: remembered)
            }
            var seen = remembered?.size
            if let newer {
                // A newer ledger of the same history has the backup's checkpoint as its beginning.
                let verifier = LedgerVerifier(source: newer, key: try await newer.signer(among: keys))
                let signed = try await verifier.verifyConsistency(with: checkpoint)
                if let remembered, remembered.size <= signed.checkpoint.size {
                    _ = try await verifier.verifyConsistency(with: remembered)
                }
                seen = max(seen ?? 0, signed.checkpoint.size)
            }
            return seen
        } catch let error as LedgerError where error.code == .fork {
            throw Refusal.forked(error.reason)
        }
    }

    /// Demands the key that signed the backup: with any other the server could not go on from its checkpoint.
    private func checkKeys(_ directory: FilePath, _ key: VerifierKey) throws {
        guard let own = DataDirectoryVerifier.ownKey(in: directory, fileSystem: fileSystem) else {
            throw ConfigurationError(
                "the backup was made without the installation's keys: name their directory (keys) with --keys")
        }
        guard own == key else {
            throw ConfigurationError(
                own.name == key.name
                    ? "the key in \(directory) is another one of the same ledger, \(own); the backup is signed by \(key): "
                        + "take the keys that were kept when it was made"
                    : "the keys in \(directory) are those of another ledger, \(own.name)")
        }
    }

    private func checkTarget() throws {
        let directory = target.dataDirectory
        guard try fileSystem.exists(directory), try !fileSystem.list(directory).isEmpty else { return }
        throw ConfigurationError("\(directory) is not empty; move it away: what is in it may be evidence")
    }

    private func copy(_ keyDirectory: FilePath) throws {
        var copy = FileCopy(fileSystem: fileSystem)
        func copyAll(_ source: FilePath, _ directory: FilePath) throws {
            for name in try fileSystem.list(source) {
                let path = source.appending(name)
                if (try? fileSystem.list(path)) != nil {
                    try copyAll(path, directory.appending(name))
                } else {
                    try copy.copy(try fileSystem.open(path, .read), to: directory.appending(name))
                }
            }
        }
        try fileSystem.createDirectory(target.dataDirectory)
        let further = Backup.furtherDirectories.map { (backup.appending($0), target.dataDirectory.appending($0)) }
        for (source, directory) in [
            (backup.appending("ledger"), target.ledger), (backup.appending("segments"), target.segments),
            (backup.appending("overlays"), target.overlays),
            (backup.appending("journal"), target.journal), (keyDirectory, target.keys),
        ] + further {
            if try fileSystem.exists(source) { try copyAll(source, directory) }
        }
        let database = backup.appending("state.db")
        if try fileSystem.exists(database) {
            try copy.copy(try fileSystem.open(database, .read), to: target.database)
        }
        try copy.finish()
    }
}
