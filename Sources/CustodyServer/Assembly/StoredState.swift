import DurableFiles
import EventModel
import EventStore
import Intake
import Journal
import Ledger
import SystemPackage

/// Journal, ledger and segments of a data directory, opened and checked, and the deduplication table rebuilt from them.
///
/// Used while starting, by one thread.
final class StoredState {
    let keyer: DeliveryKeyer
    private(set) var table: DeduplicationTable
    private(set) var warnings: [String] = []
    let ledgerReader: LedgerReader
    let storeView: StoreSnapshots
    let storeOrders: StoreOrders
    private(set) var journal: JournalWriter
    let publication = Publication()
    let cosigning: Cosigning?
    /// When the key before the present one stops signing, in seconds since 1970.
    private let overlapEnd: UInt64?
    let ledger: LedgerWriter
    let store: SegmentStore

    /// What tests choose small or seeded.
    struct Sizes {
        var journal = JournalConfiguration()
        var segments = SegmentStoreSettings()
        var random: any RandomNumberGenerator = SystemRandomNumberGenerator()
    }

    init(
        _ configuration: ServerConfiguration, fileSystem: any FileSystem, keys: InstallationKeys,
        detectionCursor: LeafIndex, sizes: Sizes = Sizes(), now: () -> Timestamp
    ) throws {
        keyer = DeliveryKeyer(secret: keys.deduplication)
        journal = try JournalWriter(
            directory: configuration.journal, fileSystem: fileSystem, random: sizes.random,
            configuration: sizes.journal)
        let signerGuard = try configuration.guardDirectory.map {
            try SignerGuard(directory: $0, fileSystem: fileSystem, key: keys.ledger.verifierKey)
        }
        ledger = try LedgerWriter(
            directory: configuration.ledger, fileSystem: fileSystem, signer: keys.ledger,
            earlier: keys.previousLedger.map { [$0.key] } ?? [], memory: signerGuard)
        overlapEnd = keys.previousLedger?.until
        cosigning = try configuration.witnessPolicy.flatMap { policy in
            policy.witnesses.isEmpty ? nil : try Cosigning(policy, transport: HTTPWitnessTransport())
        }
        store = try SegmentStore(
            directory: configuration.segments, overlays: configuration.overlays, fileSystem: fileSystem,
            settings: sizes.segments)
        ledgerReader = ledger.reader
        storeView = store.view
        storeOrders = store.orders
        table = DeduplicationTable(limit: configuration.intake.deduplicationKeys)
        if let torn = journal.recovery.tornWrite {
            warnings.append(
                "a torn write of \(torn.byteCount) bytes, which nobody was told was kept, was cut off at leaf \(torn.index); "
                    + "a copy is in \(torn.copy)")
        }
        warnings += store.faults.map { "segment: \($0)" }
        try checkAgreement(detection: detectionCursor)
        try rebuildTable(
            since: now().advanced(byNanoseconds: -configuration.intake.deduplicationSeconds * 1_000_000_000))
    }

    /// The journal has to hold what no view has made durable; less means that acknowledged events are gone.
    private func checkAgreement(detection: LeafIndex) throws {
        let held = journal.reader.indexes
        let views = [
            ("the ledger", ledger.durableSize), ("the event store", store.durableIndex.rawValue),
            ("detection", detection.rawValue),
        ]
        for (name, index) in views {
            guard index <= held.upperBound else {
                throw ConfigurationError(
                    "the journal ends at leaf \(held.upperBound), but \(name) holds leaves up to \(index): the journal was "
                        + "rolled back or cut; run `custody verify` and restore the journal from where it was copied")
            }
            guard index >= held.lowerBound else {
                throw ConfigurationError(
                    "\(name) ends at leaf \(index), but the journal begins at \(held.lowerBound): \(name) was rolled back, or "
                        + "a rebuild did not finish; run `custody rebuild`, or restore it")
            }
        }
    }

    private func rebuildTable(since: Timestamp) throws {
        let young = storeView.segments().filter { $0.receivedBounds.upperBound >= since }
        let kept = DeduplicationTable.newest(
            table.limit, of: young.map { (last: $0.indexes.upperBound, entries: $0.rowCount) })
        table.reserve(kept.reduce(0) { $0 + young[$1].rowCount })
        let order = DeduplicationTable.Order()
        try storeView.withDeliveryKeys(of: kept.map { young[$0] }) { rows, keys in
            var index = try rows.leafIndexes()
            table.insert(
                keys.count, by: order, key: { keys[$0].isNone ? nil : Intake.DeliveryKey(bits: keys[$0].delivery) },
                rest: { (UInt64(keys[$0].payload) << 32, index($0)) })
        }
        let held = journal.reader.indexes
        let first = max(held.lowerBound, min(store.durableIndex.rawValue, held.upperBound))
        try journal.reader.read(from: first) { batch in
            try batch.records.bytes.withUnsafeBytes { bytes in
                for position in 0..<batch.records.count {
                    let view = try SealedView(bytes.slice(batch.records.range(of: position)))
                    guard let entry = keyer.entry(of: view) else { continue }
                    table.insert(
                        entry.key, payload: entry.payload, index: LeafIndex(batch.firstIndex + UInt64(position)))
                }
            }
        }
    }

    /// The leaves of the system's own kinds.
    ///
    /// What is in a durable segment is not looked for in the journal again, unless a segment cannot be read.
    func systemLeaves() throws -> [SystemLeaf] {
        let held = journal.reader.indexes
        let first = store.faults.isEmpty ? max(held.lowerBound, store.durableIndex.rawValue) : held.lowerBound
        return try SystemLeaves.stored(in: storeView.segments(), journal.reader, from: min(first, held.upperBound))
    }

    /// Starts the views' threads, and what lets them catch up with the journal.
    ///
    /// - Throws: what keeps a view from getting there, when that turns out within the time that a start waits.
    func startViews(
        detection: sending DetectionView, completeness: sending CompletenessView, hub: TailHub, patience: Duration,
        now: @escaping @Sendable () -> Timestamp,
        onFailure: @escaping @Sendable (any Error) -> Void
    ) throws -> (runners: [ViewRunner], recovery: Recovery) {
        let end = LeafIndex(journal.nextIndex)
        let integrated = LeafIndex(ledger.size)
        let views: [any View] = [
            LedgerView(
                ledger, publication: publication, cosigning: cosigning,
                isOverlapOver: { [overlapEnd] in overlapEnd.map { WallClock.seconds() >= $0 } ?? false }),
            SearchIndexView(store, now: now),
            detection, completeness, TailView(hub: hub, from: end),
        ]
        let runners = views.map { view in
            // Each view belongs to its thread from here on; nothing on this side touches it again.
            nonisolated(unsafe) let handedOver = view
            return ViewRunner(handedOver, replayingTo: end, onFailure: onFailure)
        }
        let recovery = Recovery(
            runners, to: end, ledger: integrated, journal: journal.reader, keyer: keyer,
            isSearchable: { [storeView] index in
                storeView.snapshot().contains { $0.indexes.upperBound.rawValue + 1 >= index.rawValue }
            },
            completion: { [cosigning, publication] in
                // From here on, a tree that is smaller than the one that was signed last was rolled back.
                cosigning?.start()
                publication.open()
            }, onFailure: onFailure)
        try recovery.wait(atMost: patience)
        return (runners, recovery)
    }

    /// Hands the journal to the committer. Nothing here uses it afterwards.
    func takeJournal() -> sending JournalWriter {
        nonisolated(unsafe) let taken = journal
        return taken
    }
}
