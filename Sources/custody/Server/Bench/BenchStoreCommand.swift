import ArgumentParser
import DurableFiles
import EventModel
import EventStore
import Foundation
import Journal
import SystemPackage

/// `custody bench store`.
struct BenchStoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "What an event costs to index, to seal in a segment, and to merge.",
        discussion: """
            Needs no server. Sealed events are appended to a store of their own on a throw-away directory, sealed in segments and \
            merged, on one thread: microseconds of that thread for each event, and bytes on disk.
            """)

    @Option(help: "Events to store.")
    var events = 200_000
    @Option(help: ArgumentHelp("Where the throw-away directory is made.", valueName: "dir"))
    var directory = "/tmp"
    @OptionGroup var output: OutputOptions

    /// Events of one batch: whole bundles, so that no two batches share a seed.
    private static let batchEvents = 4 * Int(JournalBundle.size)
    /// Files that are merged into one.
    private static let files = 8

    func validate() throws {
        guard (10_000...2_000_000).contains(events) else {
            throw ValidationError("events are 10,000 to 2,000,000: they are all in memory")
        }
    }

    func run() async throws {
        var report = BenchReport()
        let place = FilePath(directory).appending("custody-bench-store-\(ProcessInfo.processInfo.processIdentifier)")
        defer { try? FileManager.default.removeItem(atPath: place.string) }
        let now = CommandContext.current.now()
        let batches = try Self.batches(events, received: now)
        report.add("events", "\(events)")

        var settings = SegmentStoreSettings()
        settings.worksInBackground = false
        settings.sealRows = .max
        settings.sealBytes = .max
        settings.sealSpan = .max
        let whole = try SegmentStore(
            directory: place.appending("whole"), fileSystem: RealFileSystem(), settings: settings)
        let appended = try Self.measure { for batch in batches { try whole.append(batch, now: now) } }
        report.add("append_us_per_event", BenchReport.number(appended / Double(events)))
        report.add("seal_us_per_event", BenchReport.number(try Self.measure { try whole.seal() } / Double(events)))
        report.add("disk_bytes_per_event", BenchReport.number(Double(whole.view.counters.bytes) / Double(events)))
        try whole.close()

        settings.flushRows = Self.batchEvents
        settings.sealRows = events / (Self.files + 2)
        settings.fileMergeFactor = Self.files
        let parts = try SegmentStore(
            directory: place.appending("parts"), fileSystem: RealFileSystem(), settings: settings)
        var merging = 0.0
        for batch in batches {
            let merges = parts.view.counters.fileMerges
            let time = try Self.measure { try parts.append(batch, now: now) }
            if parts.view.counters.fileMerges > merges { merging += time }
        }
        try parts.close()
        let merged = parts.view.counters.fileMergedRows
        guard merged > 0 else { throw CommandFailure(.integrity, "the segments were not merged") }
        report.add("merge_us_per_event", BenchReport.number(merging / Double(merged)))
        report.print(asJSON: output.json)
    }

    /// Microseconds.
    private static func measure(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return (ContinuousClock.now - start) / .microseconds(1)
    }

    /// Events sealed as intake seals them, no two alike.
    private static func batches(_ count: Int, received: Timestamp) throws -> [RecordBatch] {
        let sealing = EventSealing(received: received)
        let partition = JournalPartition(day: received.day, retentionClass: 0)
        var generator = SystemRandomNumberGenerator()
        var batches: [RecordBatch] = []
        var next: UInt64 = 0
        while next < UInt64(count) {
            let size = min(batchEvents, count - Int(next))
            let body = BenchEvents(
                count: size, seed: next, endingAt: Date(timeIntervalSince1970: Double(received.milliseconds) / 1_000)
            ).body(firstID: next)
            var bytes: [UInt8] = []
            var entries: [RecordBatch.Entry] = []
            try body.withUnsafeBytes { body in
                for line in body.split(separator: UInt8(ascii: "\n")) {
                    guard let event = try sealing.seal(UnsafeRawBufferPointer(rebasing: line)) else { continue }
                    entries.append(.init(range: bytes.count..<bytes.count + event.count, key: .none))
                    bytes += event
                }
            }
            var seeds = SeedTable()
            for bundle in JournalBundle.numbers(of: next..<next + UInt64(entries.count)) {
                seeds[bundle: bundle, partition] = SaltSeed(root: Bytes32(using: &generator))
            }
            batches.append(
                RecordBatch(
                    partition: partition, start: LeafIndex(next), bytes: bytes, entries: entries, seeds: seeds))
            next += UInt64(entries.count)
        }
        return batches
    }
}
