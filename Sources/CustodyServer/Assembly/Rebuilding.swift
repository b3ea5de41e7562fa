import Detection
package import DurableFiles
import EventModel
import EventStore
import Foundation
import GRDB
import Intake
import Journal

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
        var report = Report()
        let stored = try SegmentInspection(directory: configuration.segments, fileSystem: fileSystem)
        for segment in stored.segments {
            report.segments += 1
            if try segment.indexDigest() != segment.rebuiltIndexDigest() { report.differing.append(segment.name) }
        }
        _ = try SegmentRebuild(segments: configuration.segments, fileSystem: fileSystem).run()
        let inspection = try SegmentInspection(directory: configuration.segments, fileSystem: fileSystem)
        let database = try StateDatabase.open(configuration.database)
        let alerts = AlertStore(database, now: WallClock.now)
        let engine = DetectionEngine(try RuleDirectories.load(configuration.ruleDirectories))
        try alerts.beginRebuild()
        report.events = try evaluate(engine, alerts, inspection.segments)
        report.alertsRemoved = try alerts.finishRebuild()
        try database.close()
        return report
    }

    /// Every event in the order of the ledger: the segments', then those that only the journal holds.
    private func evaluate(
        _ engine: DetectionEngine, _ alerts: AlertStore, _ segments: [SegmentReader]
    ) throws -> Int {
        let parser = JSONParser()
        var matches: [RuleMatch] = []
        var next = LeafIndex(0)
        var events = 0
        func judge(_ view: SealedView, _ index: LeafIndex) {
            guard index >= next else { return }
            next = LeafIndex(index.rawValue + 1)
            events += 1
            guard let payload = view.payload, payload.first == UInt8(ascii: "{"),
                (try? parser.withDocument(payload) { root in
                    engine.evaluate(view, payload: root, index: index, into: &matches)
                }) != nil
            else { return engine.evaluate(view, payload: nil, index: index, into: &matches) }
        }
        for segment in segments.sorted(by: { $0.indexes.lowerBound < $1.indexes.lowerBound }) {
            try segment.withRecords(0..<segment.rowCount) { row, view in
                judge(view, try segment.leafIndex(ofRow: row))
                return true
            }
            try alerts.record(matches, through: next)
            matches.removeAll()
        }
        let journal = try JournalWriter(
            directory: configuration.journal, fileSystem: fileSystem, random: SystemRandomNumberGenerator())
        let held = journal.reader.indexes
        if next.rawValue < held.upperBound {
            try journal.reader.read(from: max(next.rawValue, held.lowerBound)) { batch in
                try batch.forEach { index, record, _ in judge(try SealedView(record), LeafIndex(index)) }
            }
        }
        try alerts.record(matches, through: next)
        return events
    }
}
