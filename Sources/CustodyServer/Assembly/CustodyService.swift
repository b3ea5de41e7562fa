import AccessControl
import Connectors
import Crypto
import Delivery
import Detection
package import DurableFiles
package import EventModel
import EventStore
package import Foundation
import GRDB
import Identity
import Intake
import Journal
import Ledger
package import Logging
import SystemPackage

/// A Custody server's inside, assembled on one data directory: everything but HTTP.
///
/// Starting opens and checks what is stored, lets every view catch up with the journal, and begins to take events.
/// ``stop()`` ends all of it in the order in which events flow.
package final class CustodyService: Sendable {
    let state: ServerState
    /// The admin token that this start made; nil on later starts.
    let newAdminToken: NewToken?
    /// The code of the set-up link, as long as nobody has used one.
    let setUpCode: String?
    /// What was found damaged or torn; to be shown when starting.
    package let warnings: [String]
    private let lock: DirectoryLock
    private let database: DatabasePool
    private let verification: VerificationSchedule
    let fileSystem: any FileSystem

    /// Opens a data directory, made when missing.
    ///
    /// - Parameters:
    ///   - fetchKeys: Gets keys of others from where they are; a test answers itself.
    ///   - onFatal: Called once when the server must not go on (the disk can no longer be trusted).
    /// - Throws: `DurableFilesError` `directoryLocked` when another server holds the directory; ``JournalError`` `altered`
    ///   and others when what is stored is not what was written.
    package init(
        _ configuration: ServerConfiguration, fileSystem: any FileSystem = RealFileSystem(), logger: Logger,
        now: @escaping @Sendable () -> Timestamp = WallClock.now,
        fetchKeys: (@Sendable (URL, Int) async throws -> [UInt8])? = nil,
        onFatal: @escaping @Sendable (any Error) -> Void
    ) throws {
        try fileSystem.createDirectory(configuration.dataDirectory)
        self.fileSystem = fileSystem
        lock = try fileSystem.lock(directory: configuration.dataDirectory)
        try SegmentRebuild(segments: configuration.segments, fileSystem: fileSystem).recover()
        for directory in [configuration.keys, configuration.journal, configuration.ledger, configuration.segments] {
            try fileSystem.createDirectory(directory)
        }
        let keys = try InstallationKeys(directory: configuration.keys, fileSystem: fileSystem)
        database = try StateDatabase.open(configuration.database)
        let tokens = try TokenStore(database: database)
        newAdminToken = try tokens.makeFirstAdminToken(chosen: configuration.adminToken, now: now()) { text in
            try fileSystem.writeAtomically(
                Array((text + "\n").utf8), to: configuration.adminTokenFile, permissions: .privateFile)
        }
        let sessions = try SessionStore(database: database)
        let setUp = SetUpLink(database: database)
        setUpCode = try setUp.make(now: now())
        let sources = try SourceStore(database: database, box: keys.secrets, now: now())
        // Reading files of rules and connectors takes about as long as opening what is stored, and neither needs the other.
        let descriptions = StartWork {
            let connectors = try LiveConnectors(directories: configuration.connectorDirectories)
            let enrichment = try LiveEnrichment(directories: configuration.enrichmentDirectories)
            let rules = try RuleDirectories.load(configuration.allRuleDirectories, connectors.current)
            return (connectors, enrichment, DetectionEngine(rules))
        }
        let notifications = try Notifications(
            configuration, database: database, box: keys.secrets, logger: logger, now: now)
        let workloads = try Workloads.open(
            database: database, box: keys.secrets, destinationGuard: notifications.destinationGuard, fetch: fetchKeys,
            logger: logger, now: now)
        let alerts = AlertStore(database, observers: [notifications.outbox], now: now)
        let stored = try StoredState(
            configuration, fileSystem: fileSystem, keys: keys, detectionCursor: DetectionView.firstLeaf(alerts),
            now: now)
        let systemLeaves = try stored.systemLeaves()
        let (connectors, enrichment, engine) = try descriptions.value()
        warnings = stored.warnings + RuleDirectories.refusals(engine.ruleSet)
        try alerts.register(engine.ruleSet.rules)
        let hub = TailHub()
        let counters = DetectionCounters()
        let relay = AuditRelay()
        let detectionOrders = DetectionOrders()
        let journalReader = stored.journal.reader
        let detection = try DetectionView(
            engine: engine, alerts: alerts, counters: counters,
            orders: detectionOrders, committed: { LeafIndex(journalReader.indexes.upperBound) }, now: now,
            onTransition: { relay.send($0.auditEntry(actor: nil, client: nil)) })
        let completeness = try SourceCompleteness(database: database)
        let completenessView = try CompletenessView(
            completeness, held: journalReader.indexes, ownSource: OwnAudit.source,
            isEnabled: { sources.source(named: $0)?.isEnabled == true },
            committed: { LeafIndex(journalReader.indexes.upperBound) }, now: now)
        let (runners, recovery) = try stored.startViews(
            detection: detection, completeness: completenessView, hub: hub,
            patience: configuration.startPatience, now: now, onFailure: onFatal)
        let (ledgerReader, storeView) = (stored.ledgerReader, stored.storeView)
        let keyer = stored.keyer
        let committer = Committer(
            journal: stored.takeJournal(), table: stored.table, views: runners, limits: configuration.intake,
            onConflict: { relay.send(.conflict(kept: $0, earlier: $1)) }, onFailure: onFatal)
        var limits = configuration.intake
        limits.reservedDiskBytes = limits.reservedBytes(
            ofVolume: try fileSystem.volumeBytes(at: configuration.journal))
        let intake = IntakePipeline(
            committer: committer, keyer: keyer, limits: limits,
            freeBytes: { try fileSystem.freeBytes(at: configuration.journal) })
        let audit = AuditTrail(now: now, logger: logger) { entries in
            try await OwnEvents.submit(entries, to: intake, now: now())
        }
        relay.connect(audit)
        let records = SystemLeaves(
            ledger: keys.ledger.verifierKey,
            formerly: KeyHistory.predecessors(
                of: keys.ledger.verifierKey,
                in: try KeyHistory.read(configuration.ledger, fileSystem: fileSystem)
            ),
            leaves: systemLeaves, intake: intake, now: now)
        let quarantine = QuarantineStore(database: database)
        let reserve = UInt64(limits.reservedDiskBytes ?? IntakeLimits.reservedDiskBytes)
        let renormalisations = Renormalisations(
            orders: stored.storeOrders, store: storeView, logger: logger, now: now,
            checkDisk: {
                guard try fileSystem.freeBytes(at: configuration.dataDirectory) > reserve else {
                    throw IntakeError(.diskFull, "the disk is full but for the reserve")
                }
            })
        let destruction = Destruction(
            leaves: records, store: storeView, orders: stored.storeOrders, intake: intake, journal: journalReader,
            views: runners, alerts: alerts, detection: detectionOrders, outbox: notifications.outbox,
            quarantine: quarantine, renormalisations: renormalisations, logger: logger)
        state = ServerState(
            configuration: configuration, now: now, logger: logger, metrics: ServerMetrics(), tokens: tokens,
            sessions: sessions, setUp: setUp, sources: sources, workloads: workloads,
            credentialFailures: CredentialFailures(),
            connectors: connectors, enrichment: enrichment, intake: intake,
            quarantine: quarantine, audit: audit,
            store: EmbeddedEventStore(reading: { storeView.reading() }, now: now), storeView: storeView,
            journal: journalReader, ledger: ledgerReader, ledgerKey: keys.ledger, engine: engine, alerts: alerts,
            notifications: notifications, views: runners, recovery: recovery, tail: hub,
            verification: VerificationStatus(),
            publication: stored.publication, cosigning: stored.cosigning,
            witness: try configuration.witnessedLogs.map {
                try WitnessRun.open(configuration.dataDirectory, $0, fileSystem, WallClock.seconds)
            },
            witnessCounters: WitnessCounters(),
            copies: CheckpointCopies(configuration.checkpointCopies, fileSystem: fileSystem), records: records,
            destruction: destruction, renormalisations: renormalisations, cursors: PullCursorStore(database: database),
            exposure: Exposure(
                pack: try LiveIncidentPack(directories: configuration.incidentDirectories),
                memory: ExposureMemory(database: database)),
            relayIdentity: keys.relay,
            github: try GitHubConnections(configured: configuration.github, database: database, box: keys.secrets),
            memoryReturn: MemoryReturn(giveBack: {
                intake.batchMemory.releaseAll()
                intake.bodyMemory.releaseAll()
                MemoryReturn.trim()
            }), completeness: completeness)
        verification = VerificationSchedule(
            state,
            verifier: DataDirectoryVerifier(
                directory: configuration.dataDirectory, fileSystem: fileSystem, key: keys.ledger.verifierKey,
                policy: configuration.witnessPolicy))
        state.collectMetrics(detection: counters, notifications: notifications.outbox)
    }

    /// What runs beside the requests, until the task is cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            // What these put on record is in the journal before any view is asked.
            group.addTask { await self.state.audit.run() }
            group.addTask { [state] in await state.memoryReturn.run() }
            group.addTask { await self.runRecovered() }
        }
    }

    /// What asks the views, once these are where they were before the restart.
    private func runRecovered() async {
        while true {
            do {
                if try await state.recovery.isOver(within: .seconds(60)) { break }
            } catch {
                return
            }
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.submitPending() }
            group.addTask { await self.housekeeping() }
            group.addTask { await self.state.notifications.worker.run() }
            group.addTask { await PublicationMonitor(self.state).run() }
            group.addTask { await self.keepRecords() }
            group.addTask { [state] in await state.copies.run { state.ledger.latest } }
            group.addTask { await self.verification.run() }
            group.addTask { [state] in await ConnectorReloader(state).run() }
            group.addTask { [state] in await EnrichmentReloader(state: state).run() }
            group.addTask { await self.recordRestore() }
            group.addTask { [state] in await ExposureWatch(state).run() }
            group.addTask { [state] in await state.figures.run(state) }
            group.addTask { [state] in await FindingWork(state: state).run() }
        }
    }

    /// Puts on record that the directory was restored from a backup, once, before the note of it goes.
    private func recordRestore() async {
        let directory = state.configuration.dataDirectory
        do {
            guard let entry = try RestoreNote.entry(in: directory, fileSystem: fileSystem) else { return }
            try await state.audit.recordDurably(entry)
            try fileSystem.remove(directory.appending(RestoreNote.fileName))
            try fileSystem.synchronizeDirectory(directory)
        } catch {
            state.logger.error("the restore could not be put on record", metadata: ["error": "\(error)"])
        }
    }

    /// Appends the leaves that commands left for this start.
    private func submitPending() async {
        do {
            try await PendingLeaves(data: state.configuration.dataDirectory, fileSystem: fileSystem)
                .submit(to: state.intake, now: state.now)
        } catch {
            state.logger.error("a leaf that a command left was not appended", metadata: ["error": "\(error)"])
        }
    }

    /// Finishes destructions that an earlier process began, then gives segments their seals.
    private func keepRecords() async {
        do {
            let files = try await state.destruction.carryOut(isResumed: true)
            if files > 0 { state.logger.info("finished a destruction", metadata: ["files": "\(files)"]) }
        } catch {
            state.logger.error("a destruction is not finished; the next run goes on", metadata: ["error": "\(error)"])
        }
        await SegmentSealer(leaves: state.records, store: state.storeView, logger: state.logger).run()
    }

    /// Every minute: the last uses of tokens and sessions, and delivery keys that are older than their time.
    private func housekeeping() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(60))
            do {
                try state.tokens.writeLastUses()
                try state.sessions.tidy(now: state.now())
                let oldest = state.now().advanced(
                    byNanoseconds: -state.configuration.intake.deduplicationSeconds * 1_000_000_000)
                let expired = state.storeView.segments().filter { $0.receivedBounds.upperBound < oldest }
                if let last = expired.map(\.indexes.upperBound).max() {
                    state.intake.committer.forgetKeys(below: LeafIndex(last.rawValue + 1))
                }
            } catch {
                state.logger.error("housekeeping failed", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Commits what is queued, lets every view finish, publishes the last checkpoint, closes everything.
    package func stop() async {
        state.recovery.cancel()
        await state.renormalisations.stop()
        await state.audit.stop()
        await withCheckedContinuation { continuation in
            // These wait for threads that finish disk work, which is no work for the shared pool.
            Thread.detachNewThread { [state] in
                state.intake.committer.stop()
                for view in state.views { view.stop() }
                state.recovery.join()
                continuation.resume()
            }
        }
        state.cosigning?.stop()
        try? state.tokens.writeLastUses()
        try? state.sessions.tidy(now: state.now())
        try? database.close()
    }
}
