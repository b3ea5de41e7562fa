package import DurableFiles
package import SystemPackage

/// Checks every byte of a journal and changes nothing. For `custody verify`.
package struct JournalVerifier: Sendable {
    /// Something that is not as Custody wrote it.
    package struct Finding: Sendable, Hashable {
        package enum Kind: Sendable, Hashable {
            /// The end of the newest file may be a write that power loss tore, or one that is going on now.
            case tornWrite
            /// Custody did not write this.
            case altered
            /// The disk did not give the bytes.
            case unreadable
        }

        package let kind: Kind
        package let file: FilePath
        /// The first byte of the smallest unit with a check of its own that is wrong.
        package let offset: UInt64
        /// The first index that can no longer be vouched for.
        package let index: UInt64
        package let reason: String
    }

    /// What was checked.
    package struct Summary: Sendable, Hashable {
        /// Records in frames that are right.
        package internal(set) var recordCount: UInt64 = 0
        package internal(set) var frameCount = 0
        package internal(set) var findingCount = 0
        /// The index of the oldest record, and the one after the newest that is right.
        package internal(set) var firstIndex: UInt64?
        package internal(set) var nextIndex: UInt64 = 0
    }

    private let directory: FilePath
    private let fileSystem: any FileSystem

    package init(directory: FilePath, fileSystem: any FileSystem) {
        self.directory = directory
        self.fileSystem = fileSystem
    }

    /// Checks all files: digests, order, lengths, compression, masks and seeds. Reports the first damage of each file,
    /// since what follows it in a file hangs on it, and goes on with the next file.
    ///
    /// - Parameters:
    ///   - visit: gets each good frame's pages, to check them against the ledger.
    ///   - report: gets each finding, in order.
    /// - Throws: what the callbacks throw, and `readFailed` when the directory cannot be listed.
    package func verify(
        visit: (JournalBatch) throws -> Void = { _ in }, report: (Finding) throws -> Void
    ) throws -> Summary {
        var summary = Summary()
        var before: JournalFileScan.Expectation?
        let names: [UInt64]
        do {
            names = try JournalListing.firstIndexes(directory, fileSystem)
        } catch let error as DurableFilesError {
            throw JournalError.reading(directory, error)
        } catch let error as JournalError {
            summary.findingCount = 1
            try report(
                Finding(kind: .altered, file: error.file ?? directory, offset: 0, index: 0, reason: error.description))
            return summary
        }
        summary.firstIndex = names.first
        for start in names {
            before = try verify(start, before, isNewest: start == names.last, &summary, visit, report)
        }
        return summary
    }

    private func verify(
        _ start: UInt64, _ before: JournalFileScan.Expectation?, isNewest: Bool, _ summary: inout Summary,
        _ visit: (JournalBatch) throws -> Void, _ report: (Finding) throws -> Void
    ) throws -> JournalFileScan.Expectation? {
        let path = directory.appending(JournalFileName.name(firstIndex: start))
        var scan: JournalFileScan?
        let problem: (Finding.Kind, UInt64, String)?
        do {
            var running = JournalFileScan(
                file: try fileSystem.open(path, .read), firstIndex: start, expected: before, isNewest: isNewest)
            defer { scan = running }
            problem =
                switch try running.run({ try Self.check($0, $1, visit) }) {
                case .whole: nil
                case .torn(let offset): (.tornWrite, offset, "an unfinished write")
                case .altered(let offset, let reason): (.altered, offset, reason)
                }
        } catch let error as DurableFilesError {
            problem = (.unreadable, scan?.end ?? 0, error.description)
        }
        summary.frameCount += scan?.frames.count ?? 0
        summary.recordCount += (scan?.nextIndex ?? start) - start
        summary.nextIndex = scan?.nextIndex ?? start
        if let (kind, offset, reason) = problem {
            summary.findingCount += 1
            try report(
                Finding(kind: kind, file: path, offset: offset, index: scan?.nextIndex ?? start, reason: reason))
            return nil
        }
        return scan.flatMap { scan in scan.digest.map { .init(nextIndex: scan.nextIndex, digest: $0) } }
    }

    private static func check(
        _ layout: FrameLayout, _ frame: UnsafeRawBufferPointer, _ visit: (JournalBatch) throws -> Void
    ) throws {
        for page in layout.pages {
            try visit(
                JournalBatch(
                    indexes: page.indexes, partition: page.header.partition,
                    records: try JournalRecords(page, in: frame, indexes: page.indexes), seeds: layout.seeds))
        }
    }
}
