package import DurableFiles
package import EventModel
import EventStore
package import Ledger
package import SystemPackage

/// Checks a data directory from its bytes: journal, tree, segments, and that every leaf's commitment is that of the event
/// that is stored for it. Takes no lock and writes nothing, so a server may be running.
package struct DataDirectoryVerifier: Sendable {
    /// Faults told at most; one is enough to distrust everything.
    package static let maximumFaults = 20
    let directory: FilePath
    let fileSystem: any FileSystem
    private let key: VerifierKey
    private let formerKeys: [VerifierKey]
    private let policy: WitnessPolicy?
    let isDeep: Bool
    private let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - key: Whose signature the checkpoint has to bear.
    ///   - formerKeys: Keys that the ledger had before: beacons can bear their signatures.
    ///   - policy: Whose witnesses vouch for the times of beacons.
    ///   - isDeep: Whether each index is built again from its payloads, also where its digest is the one that a leaf seals.
    ///   - now: Records that no checkpoint covers yet, and that say they are of later, count for nothing.
    package init(
        directory: FilePath, fileSystem: any FileSystem = RealFileSystem(), key: VerifierKey,
        formerKeys: [VerifierKey] = [], policy: WitnessPolicy? = nil, isDeep: Bool = false,
        now: @escaping @Sendable () -> Timestamp = WallClock.now
    ) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.key = key
        self.formerKeys = formerKeys
        self.policy = policy
        self.isDeep = isDeep
        self.now = now
    }

    /// The key that a data directory names itself; nil when it has none. Whoever uses it trusts the directory.
    package static func ownKey(of directory: FilePath, fileSystem: any FileSystem = RealFileSystem()) -> VerifierKey? {
        ownKey(in: directory.appending("keys"), fileSystem: fileSystem)
    }

    /// The key in a directory of keys.
    static func ownKey(in keys: FilePath, fileSystem: any FileSystem) -> VerifierKey? {
        let path = keys.appending("ledger.key")
        guard let bytes = try? fileSystem.contents(of: path) else { return nil }
        return (try? LedgerKey(parsing: String(decoding: bytes, as: UTF8.self)))?.verifierKey
    }

    /// Verifies everything, or what came since. The parts of segments are checked on all cores.
    ///
    /// - Parameter known: A checkpoint up to which everything was verified before. The ledger has to extend it; its leaves are
    ///   not hashed into the tree again, and of the events below it only the records are compared, which say what may lawfully
    ///   be gone. A file that was altered since is found by a verification of everything.
    /// - Parameter pace: How much of the machine it may take; everything unless told otherwise.
    /// - Parameter progress: Gets the number of stored events compared so far, now and then, from any thread.
    /// - Throws: When the directory holds no ledger that can be opened at all.
    /// - Complexity: Reads everything once; about 10 µs an event and core. Holds nine bytes an event. After `known`: the same
    ///   for the leaves since, and for all records; a segment that has leaves on both sides is read as a whole.
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
        let first = min(known?.size ?? 0, ledger.size)
        var marks = LeafMarks(from: first, size: ledger.size)
        // The journal comes first: what a running server recycles meanwhile is then in a segment that is read after it.
        let journal = try checkJournal(ledger)
        marks.add(journal.comparison)
        var comparisons = [journal.comparison]
        for comparison in try await checkSegments(ledger, from: first, marks.compared, pace, progress) {
            marks.add(comparison)
            comparisons.append(comparison)
        }
        report.faults += comparisons.flatMap(\.faults)
        let times = check(comparisons.map(\.statements), ledger, &report)
        var judgement = AuthorityJudgement(
            ledger: key, formerly: predecessors(),
            leaves: comparisons.flatMap(\.systemLeaves) + pendingLeaves(of: comparisons), size: ledger.size,
            times: times)
        try judge(marks, comparisons, ledger, &judgement)
        let stripped = UInt64(judgement.strippedLeaves.count)
        report.counts.verified = marks.verified - stripped
        report.counts.altered = marks.altered
        report.counts.missing = judgement.missing
        report.counts.lawfullyDestroyed = judgement.lawful
        report.counts.destroyedWithoutAuthority = judgement.unproven + stripped
        if judgement.missing > 0 { report.faults += journal.torn }
        report.faults += judgement.faults
        report.notes = judgement.notes
        for claim in judgement.history.restoredRoots where (try? ledger.root(of: claim.size)) != claim.root {
            report.faults.append("leaf \(claim.leaf): the record is one of another ledger's lost part")
        }
        if first > 0 {
            report.notes.append("the \(first) leaves that were verified before were not compared again")
        }
        try await compareSeals(
            comparisons.flatMap(\.indexes), unsound: comparisons.flatMap(\.unsound), judgement.history, ledger,
            from: first, pace,
            &report)
        // What was read again is no part of what was committed to, but searches see it.
        if first == 0 { report.faults += await checkOverlays(pace) }
        // Every part of a segment stumbles over the same damage.
        var told: Set<String> = []
        report.faults = Array(report.faults.filter { told.insert($0).inserted }.prefix(Self.maximumFaults))
        return report
    }

    /// What destructions are recorded beyond the checkpoint: a redaction while publication is stopped is carried out, and its
    /// approvals say by whom.
    ///
    /// Who approves, and what policies are in force, has to be under a signature of the ledger: where nobody approves yet, who can
    /// write to the disk could approve for himself. What claims a time to come could make any event old enough.
    private func pendingLeaves(of comparisons: [LeafComparison]) -> [SystemLeaf] {
        let latest = now().milliseconds
        return comparisons.flatMap(\.pendingLeaves).filter { leaf in
            guard let document = leaf.document, leaf.received <= latest else { return false }
            // A record that was taken back brings the lost ledger's signature with it.
            return document.type == .redact || document.type == .destroy || document.lost != nil
        }
    }

    /// Keys that this one followed, those of logs that it goes on for included, as the directory's own statements say. Requests
    /// that approvers signed for these logs stay good.
    private func predecessors() -> [VerifierKey] {
        let changes = (try? KeyHistory.read(directory.appending("ledger"), fileSystem: fileSystem)) ?? []
        return KeyHistory.predecessors(of: key, in: changes)
    }

    /// Compares what was sealed about signer and time with the ledger. Returns the times that witnesses vouch for.
    private func check(
        _ parts: [SignerStatements], _ ledger: LedgerReader, _ report: inout VerificationReport
    ) -> CosignedTimes {
        let statements = parts.reduce(into: SignerStatements()) { $0.add($1) }
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
            let number = index / 256
            if bundle?.number != number {
                let width = Int(min(256, ledger.size - number * 256))
                bundle = (number, try EntryBundle.decode(try ledger.entries(index: number, width: width), count: width))
            }
            guard let entry = bundle?.entries[Int(index % 256)] else { continue }
            judgement.judge(missing: index, entry)
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
}
