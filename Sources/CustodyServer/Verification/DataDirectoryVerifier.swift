package import DurableFiles
import EventModel
import EventStore
import Foundation
import Journal
package import Ledger
package import SystemPackage

/// What a verification found.
package struct VerificationReport: Sendable {
    package var counts = VerificationCounts()
    /// What is wrong, the first first: file, place, reason.
    package var faults: [String] = []
    /// The checkpoint that everything was held against.
    package var checkpoint: SignedCheckpoint?
    /// The last beacon: leaves from this index on were sealed after this time (seconds since 1970); nil when no witness of the
    /// policy vouches for one.
    package var lastBeacon: (index: UInt64, time: UInt64)?
    /// What a reader of the counts has to know, and is nothing wrong.
    package var notes: [String] = []

    package var isIntact: Bool {
        faults.isEmpty && counts.missing == 0 && counts.altered == 0 && counts.destroyedWithoutAuthority == 0
    }
}

/// Checks a data directory from its bytes: journal, tree, segments, and that every leaf's commitment is that of the event
/// that is stored for it. Takes no lock and writes nothing, so a server may be running.
package struct DataDirectoryVerifier: Sendable {
    /// Faults told at most; one is enough to distrust everything.
    package static let maximumFaults = 20
    /// Rows of a segment that are checked in one go: enough to be worth a task, few enough for all cores to end together.
    private static let rowsOfPart = 16_384

    private let directory: FilePath
    private let fileSystem: any FileSystem
    private let key: VerifierKey
    private let formerKeys: [VerifierKey]
    private let policy: WitnessPolicy?
    private let isDeep: Bool

    /// - Parameters:
    ///   - key: Whose signature the checkpoint has to bear.
    ///   - formerKeys: Keys that the ledger had before: beacons can bear their signatures.
    ///   - policy: Whose witnesses vouch for the times of beacons.
    ///   - isDeep: Whether each index is built again from its payloads, also where its digest is the one that a leaf seals.
    package init(
        directory: FilePath, fileSystem: any FileSystem = RealFileSystem(), key: VerifierKey,
        formerKeys: [VerifierKey] = [], policy: WitnessPolicy? = nil, isDeep: Bool = false
    ) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.key = key
        self.formerKeys = formerKeys
        self.policy = policy
        self.isDeep = isDeep
    }

    /// The key that a data directory names itself; nil when it has none. Whoever uses it trusts the directory.
    package static func ownKey(of directory: FilePath, fileSystem: any FileSystem = RealFileSystem()) -> VerifierKey? {
        let path = directory.appending("keys").appending("ledger.key")
        guard let bytes = try? fileSystem.contents(of: path) else { return nil }
        return (try? LedgerKey(parsing: String(decoding: bytes, as: UTF8.self)))?.verifierKey
    }

    /// Verifies everything. The parts of segments are checked on all cores.
    ///
    /// - Parameter known: A checkpoint up to which everything was verified before. The ledger has to extend it, and its leaves
    ///   are not hashed into the tree again. The stored events are all compared: what may lawfully be gone is told by leaves that
    ///   can lie anywhere.
    /// - Parameter pace: How much of the machine it may take; everything unless told otherwise.
    /// - Parameter progress: Gets the number of stored events compared so far, now and then, from any thread.
    /// - Throws: When the directory holds no ledger that can be opened at all.
    /// - Complexity: Reads everything once; about 10 µs an event and core. Holds nine bytes an event.
    package func verify(
        after known: Checkpoint? = nil, pace: VerificationPace = .unbounded,
        progress: @escaping @Sendable (_ events: UInt64) -> Void = { _ in }
    ) async throws -> VerificationReport {
        let ledger = try LedgerReader(
            directory: directory.appending("ledger"), fileSystem: fileSystem, key: key)
        var report = VerificationReport()
        report.checkpoint = ledger.latest
        let tree = try await LedgerVerifier(source: PacedTileSource(ledger, pace), key: key).verify(after: known)
        if let fault = tree.fault { report.faults.append("ledger/\(fault)") }
        // A tree that does not hold is nothing to compare events with.
        guard tree.isIntact else {
            report.counts.altered = ledger.size
            return report
        }
        var marks = LeafMarks(size: ledger.size)
        // The journal comes first: what a running server recycles meanwhile is then in a segment that is read after it.
        let journal = try checkJournal(ledger)
        marks.add(journal.comparison)
        var statements = journal.comparison.statements
        report.faults += journal.comparison.faults
        var comparisons = [journal.comparison]
        for comparison in try await checkSegments(ledger, marks.compared, pace, progress) {
            marks.add(comparison)
            statements.add(comparison.statements)
            report.faults += comparison.faults
            comparisons.append(comparison)
        }
        let times = check(statements, ledger, &report)
        var judgement = AuthorityJudgement(
            ledger: key, leaves: comparisons.flatMap(\.systemLeaves), times: times)
        try judge(marks, comparisons, ledger, &judgement)
        let stripped = UInt64(judgement.strippedLeaves.count)
        report.counts.verified = marks.count(.verified) - stripped
        report.counts.altered = marks.count(.altered)
        report.counts.missing = judgement.missing
        report.counts.lawfullyDestroyed = judgement.lawful
        report.counts.destroyedWithoutAuthority = judgement.unproven + stripped
        if judgement.missing > 0 { report.faults += journal.torn }
        report.faults += judgement.faults
        report.notes = judgement.notes
        try await compareSeals(comparisons.flatMap(\.indexes), judgement.history, pace, &report)
        // Every part of a segment stumbles over the same damage.
        var told: Set<String> = []
        report.faults = Array(report.faults.filter { told.insert($0).inserted }.prefix(Self.maximumFaults))
        return report
    }

    /// Compares what was sealed about signer and time with the ledger. Returns the times that witnesses vouch for.
    private func check(
        _ statements: SignerStatements, _ ledger: LedgerReader, _ report: inout VerificationReport
    ) -> CosignedTimes {
        do {
            let changes = try KeyHistory.read(directory.appending("ledger"), fileSystem: fileSystem)
            // The directory's own changes say which keys it has had; whether they are trusted was decided before.
            let former = changes.compactMap { try? KeyChange(parsing: $0) }.filter { $0.new.name == key.name }.map(
                \.old)
            let keys = [key] + formerKeys + former.filter { $0.name == key.name }
            let (bounds, faults) = statements.bounds(in: ledger, keys: keys, policy: policy)
            report.lastBeacon = bounds.last.map { ($0.index, $0.time) }
            report.faults += faults
            report.faults += statements.unrecorded(
                changes, pending: try PendingLeaves(data: directory, fileSystem: fileSystem).payloads())
            return CosignedTimes(bounds.map { (leaf: $0.index, size: $0.size, time: $0.time) })
        } catch {
            report.faults.append("\(error)")
            return CosignedTimes()
        }
    }

    /// Judges what is not there, leaf for leaf.
    private func judge(
        _ marks: LeafMarks, _ comparisons: [LeafComparison], _ ledger: LedgerReader,
        _ judgement: inout AuthorityJudgement
    ) throws {
        var bundle: (number: UInt64, entries: [LeafEntry])?
        for index in marks.unseen {
            let number = UInt64(index) / 256
            if bundle?.number != number {
                let width = Int(min(256, ledger.size - number * 256))
                bundle = (number, try EntryBundle.decode(try ledger.entries(index: number, width: width), count: width))
            }
            guard let entry = bundle?.entries[index % 256] else { continue }
            judgement.judge(missing: UInt64(index), entry)
        }
        var seen: Set<UInt64> = []
        for comparison in comparisons {
            for (index, groups) in comparison.redacted
            where marks.isVerified(index) && seen.insert(index).inserted {
                judgement.judge(redacted: index, groups)
            }
        }
    }

    /// Compares each index with its seal. Where there is none, or it is another's, the index is built again.
    private func compareSeals(
        _ indexes: [(segment: SegmentReader, digest: String)], _ history: AuthorityHistory,
        _ pace: VerificationPace, _ report: inout VerificationReport
    ) async throws {
        let doubtful = indexes.filter { isDeep || history.seals[$0.segment.name]?.digest != $0.digest }
        let unsealed = indexes.filter { history.seals[$0.segment.name]?.digest != $0.digest }.count
        if unsealed > 0 {
            report.notes.append(
                "\(unsealed) of \(indexes.count) segments have no seal of their own yet; their indexes were built again and "
                    + "compared")
        }
        let faults = await withTaskGroup(of: String?.self) { group in
            var waiting = doubtful.makeIterator()
            func start() {
                guard let next = waiting.next() else { return }
                group.addTask { await pace.run { Self.faultOfIndex(next.segment, next.digest) } }
            }
            for _ in 0..<pace.concurrency { start() }
            var faults: [String] = []
            while let fault = await group.next() {
                if let fault { faults.append(fault) }
                start()
            }
            return faults
        }
        report.faults += faults.sorted()
    }

    private static func faultOfIndex(_ segment: SegmentReader, _ digest: String) -> String? {
        do {
            // An index that hides an event has right checksums when whoever made it could write files.
            let isRight = SegmentSealer.hex(try segment.rebuiltIndexDigest()) == digest
            return isRight ? nil : "segments/\(segment.name): the index is not the one that its events give"
        } catch {
            return "segments/\(error)"
        }
    }

    // MARK: Segments

    /// A piece of work of about equal size.
    private enum Part {
        case structure(SegmentReader)
        case rows(SegmentReader, Range<Int>)
    }

    private func checkSegments(
        _ ledger: LedgerReader, _ compared: UInt64, _ pace: VerificationPace,
        _ progress: @escaping @Sendable (UInt64) -> Void
    ) async throws -> [LeafComparison] {
        var first = LeafComparison(ledger: ledger)
        var parts: [Part] = []
        do {
            let inspection = try SegmentInspection(
                directory: directory.appending("segments"), fileSystem: fileSystem)
            for fault in inspection.faults { first.note("segments/\(fault)") }
            for segment in inspection.segments {
                parts.append(.structure(segment))
                parts += stride(from: 0, to: segment.rowCount, by: Self.rowsOfPart).map {
                    .rows(segment, $0..<min($0 + Self.rowsOfPart, segment.rowCount))
                }
            }
        } catch {
            first.note("segments: \(error)")
        }
        var results = [LeafComparison?](repeating: nil, count: parts.count)
        var done = compared
        try await withThrowingTaskGroup(of: (Int, LeafComparison).self) { group in
            var next = 0
            func start() {
                guard next < parts.count else { return }
                let (number, part) = (next, parts[next])
                next += 1
                group.addTask { (number, await pace.run { Self.check(part, LeafComparison(ledger: ledger)) }) }
            }
            for _ in 0..<pace.concurrency { start() }
            while let (number, comparison) = try await group.next() {
                try Task.checkCancellation()
                results[number] = comparison
                done += UInt64(comparison.verified.count)
                progress(done)
                start()
            }
        }
        return [first] + results.compactMap { $0 }
    }

    private static func check(_ part: Part, _ empty: LeafComparison) -> LeafComparison {
        var comparison = empty
        do {
            switch part {
            case .structure(let segment):
                var isSound = true
                segment.verify {
                    isSound = false
                    comparison.note("segments/\($0)")
                }
                if isSound {
                    comparison.indexes.append((segment, SegmentSealer.hex(try segment.indexDigest())))
                }
            case .rows(let segment, let rows):
                compare(segment, rows, into: &comparison)
                segment.release()
            }
        } catch {
            comparison.note("segments/\(error)")
        }
        return comparison
    }

    /// Compares rows, and where they cannot be read halves them until the ones that are lost stand alone.
    private static func compare(_ segment: SegmentReader, _ rows: Range<Int>, into comparison: inout LeafComparison) {
        var attempt = comparison
        do {
            try attempt.compare(segment, rows: rows)
            comparison = attempt
        } catch  where rows.count > 1 {
            let middle = rows.lowerBound + rows.count / 2
            compare(segment, rows.lowerBound..<middle, into: &comparison)
            compare(segment, middle..<rows.upperBound, into: &comparison)
        } catch {
            comparison.note("segments/\(error)")
            if let index = try? segment.leafIndex(ofRow: rows.lowerBound) { comparison.markAltered(index.rawValue) }
        }
    }

    // MARK: Journal

    private func checkJournal(_ ledger: LedgerReader) throws -> (comparison: LeafComparison, torn: [String]) {
        let verifier = JournalVerifier(directory: directory.appending("journal"), fileSystem: fileSystem)
        var comparison = LeafComparison(ledger: ledger)
        var torn: [String] = []
        do {
            let summary = try verifier.verify(
                visit: { batch in
                    try batch.forEach { index, record, salts in
                        comparison.compare(record, salts, at: index, in: "journal")
                    }
                },
                report: { finding in
                    let text = "\(finding.file), byte \(finding.offset): \(finding.reason)"
                    switch finding.kind {
                    // A torn end is what a running server's next write looks like. It was never acknowledged, unless the
                    // ledger has leaves of it.
                    case .tornWrite: torn.append(text)
                    // A file that a running server recycled is in the segments.
                    case .unreadable where (try? fileSystem.exists(finding.file)) == false: return
                    case .unreadable, .altered: comparison.note(text)
                    }
                })
            // The newest events are always in the journal, which was read after the checkpoint.
            if summary.nextIndex < ledger.size {
                torn.forEach { comparison.note($0) }
                comparison.note(
                    "journal: it ends at leaf \(summary.nextIndex), but \(ledger.size) leaves are signed for")
            }
        } catch {
            comparison.note("\(error)")
        }
        return (comparison, torn)
    }
}

/// What is known of each leaf; the worst that was found counts.
private struct LeafMarks {
    enum Mark: UInt8 { case unseen, verified, altered }

    private var marks: [Mark]

    init(size: UInt64) { marks = Array(repeating: .unseen, count: Int(size)) }

    mutating func add(_ comparison: LeafComparison) {
        for index in comparison.verified where marks[Int(index)] == .unseen { marks[Int(index)] = .verified }
        for index in comparison.altered { marks[Int(index)] = .altered }
    }

    func count(_ mark: Mark) -> UInt64 { UInt64(marks.lazy.filter { $0 == mark }.count) }
    var compared: UInt64 { UInt64(marks.count) - count(.unseen) }
    /// The leaves whose events are nowhere, ascending.
    var unseen: some Sequence<Int> { marks.indices.lazy.filter { marks[$0] == .unseen } }
    func isVerified(_ index: UInt64) -> Bool { marks[Int(index)] == .verified }
}
