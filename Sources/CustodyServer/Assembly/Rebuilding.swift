import Connectors
import Detection
package import DurableFiles
import EventModel
import EventStore
import Foundation
import GRDB
import Intake
import Journal
import Ledger

/// `custody rebuild`: makes derived state again from what the ledger commits to. The server must be stopped.
///
/// Each segment's index is built anew from its payloads and compared with the one that is stored (they have to be equal to the
/// byte: the index is a function of the payloads). Then all segments are written anew, and the rules of today judge every event
/// again.
package struct Rebuilding: Sendable {
    package struct Report: Sendable {
        package var segments = 0
        /// Segments whose index is not the one that their payloads give.
        package var differing: [String] = []
        /// Files of what was read again that were damaged, or whose index was not that of their rows: their events read as they
        /// were sealed until their source is read again.
        package var droppedOverlays: [String] = []
        package var events = 0
        package var alertsRemoved = 0
    }

    private let configuration: ServerConfiguration
    private let fileSystem: any FileSystem

    package init(_ configuration: ServerConfiguration, fileSystem: any FileSystem = RealFileSystem()) {
        self.configuration = configuration
        self.fileSystem = fileSystem
    }

    /// - Throws: `DurableFilesError` `directoryLocked` while a server runs; what keeps the directory from being read.
    package func run() throws -> Report {
        let lock = try fileSystem.lock(directory: configuration.dataDirectory)
        defer { withExtendedLifetime(lock) {} }
        let keys = try InstallationKeys(directory: configuration.keys, fileSystem: fileSystem)
        let journal = try JournalWriter(
            directory: configuration.journal, fileSystem: fileSystem, random: SystemRandomNumberGenerator())
        let rebuild = SegmentRebuild(segments: configuration.segments, fileSystem: fileSystem)
        try rebuild.recover()
        let key = keys.ledger.verifierKey
        let changes = try KeyHistory.read(configuration.ledger, fileSystem: fileSystem)
        var history = AuthorityHistory(
            ledger: key, formerly: KeyHistory.predecessors(of: key, in: changes))
        let stored = try SegmentInspection(directory: configuration.segments, fileSystem: fileSystem).segments
        for leaf in try SystemLeaves.stored(in: stored, journal.reader) { history.apply(leaf) }
        let destroyed = LeafRanges(
            ranges: history.destructions.filter { $0.objection == nil }.flatMap(\.leaves.ranges))
        let redacted = LeafRanges(
            ranges: history.redactions.filter { $0.objection == nil }.flatMap(\.leaves.ranges))
        func events() throws -> StoredEvents {
            let inspection = try SegmentInspection(directory: configuration.segments, fileSystem: fileSystem)
            if let fault = inspection.faults.first {
                throw ConfigurationError("\(fault); restore it before rebuilding")
            }
            return try StoredEvents(
                segments: inspection.segments, journal: journal.reader,
                keyer: DeliveryKeyer(secret: keys.deduplication), destroyed: destroyed)
        }
        var report = Report()
        for segment in try SegmentInspection(directory: configuration.segments, fileSystem: fileSystem).segments {
            report.segments += 1
            if try segment.indexDigest() != segment.rebuiltIndexDigest() { report.differing.append(segment.name) }
        }
        try rebuild.run(try events())
        report.droppedOverlays = try OverlayRepair(directory: configuration.overlays, fileSystem: fileSystem).run()
        try judge(try events(), keepingEvidenceOf: destroyed.union(redacted), &report)
        return report
    }

    private func judge(
        _ events: StoredEvents, keepingEvidenceOf gone: LeafRanges, _ report: inout Report
    ) throws {
        let database = try StateDatabase.open(configuration.database)
        defer { try? database.close() }
        let alerts = AlertStore(database, now: WallClock.now)
        let catalogue = try configuration.connectorDirectories.reduce(ConnectorCatalogue.builtIn) {
            try $0.adding(filesIn: $1)
        }
        var judge = EventJudge(
            DetectionEngine(try RuleDirectories.load(configuration.allRuleDirectories, catalogue)))
        try alerts.beginRebuild(keepingEvidenceOf: gone.contains)
        try events.forEachBatch { batch in
            try batch.bytes.withUnsafeBytes { bytes in
                for (position, entry) in batch.entries.enumerated() {
                    judge.judge(
                        try SealedView(bytes.slice(entry.range)), LeafIndex(batch.start.rawValue + UInt64(position)))
                }
            }
            report.events += batch.entries.count
            try alerts.record(judge.takeMatches(), through: batch.end)
        }
        try alerts.save(judge.checkpoint(next: alerts.cursor()))
        report.alertsRemoved = try alerts.finishRebuild()
    }
}
