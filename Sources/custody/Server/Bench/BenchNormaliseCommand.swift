import ArgumentParser
import Connectors
import EventModel
import Foundation

/// `custody bench normalise`.
struct BenchNormaliseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "normalise",
        abstract: "Events a second that one core reads and maps, and what tables add to that.",
        discussion: """
            Needs no server. Bodies are split, parsed, recognised by shape and mapped, as those of the source `auto`; first with \
            all connectors that come with Custody, then with only those that these events need. Time is that of the core, not of \
            the clock on the wall.

            Examples:
              custody bench normalise
              custody bench normalise --file raw.ndjson --json
            """)

    @Option(help: ArgumentHelp("Take events from an NDJSON file instead of making them up.", valueName: "file"))
    var file: String?
    @Option(help: "Events to read of the file, or to make up.")
    var events = 50_000
    @Option(help: "Events in one body.")
    var batch = 500
    @Option(help: "Seconds to measure each.")
    var seconds = 3.0
    @Option(help: "Rows of the larger tables; the smaller have a hundredth.")
    var rows = 100_000
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...5_000_000).contains(events), (1...50_000).contains(batch), seconds > 0, seconds <= 600,
            (100...EnrichmentLimits.allRows / NormalisingTables.count).contains(rows)
        else {
            throw ValidationError(
                "events are 1 to 5,000,000, batch 1 to 50,000, seconds up to 600, rows 100 to "
                    + "\(EnrichmentLimits.allRows / NormalisingTables.count)")
        }
    }

    func run() async throws {
        var report = BenchReport()
        let bodies = try bodies()
        let limit = Duration.seconds(seconds)
        let full = NormalisingRun(bodies: bodies, catalogue: .builtIn)
        let census = full.census()
        guard census.events > 0 else { throw CommandFailure(.refused, "\(file ?? ""): no event can be read") }
        let needed = try ConnectorCatalogue.builtIn.limited(to: Set(census.connectors.keys))
        report.add("events", "\(census.events)")
        report.add("refused", "\(census.refusals)")
        report.add("bytes_per_event", BenchReport.number(Double(census.bytes) / Double(census.events)))
        report.add("connectors", "\(ConnectorCatalogue.builtIn.connectors.count)")
        report.add("connectors_needed", "\(needed.connectors.count)")
        for (name, count) in census.connectors.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            report.add("events_of_\(name)", "\(count)")
        }
        // In turns, so that a machine that grows slower does so for both.
        let (all, few) = NormalisingRun.compare(
            full, NormalisingRun(bodies: bodies, catalogue: needed), for: limit)
        report.add("events_per_second", BenchReport.number(1 / all))
        report.add("events_per_second_needed_only", BenchReport.number(1 / few))
        report.add("cost_of_all_connectors", String(format: "%.3f", all / few))
        report.add("microseconds_per_event", BenchReport.number(all * 1e6))
        report.add("mib_per_second", BenchReport.number(Double(census.bytes) / Double(census.events) / all / 1_048_576))
        for size in [rows / 100, rows] {
            let tables = try NormalisingTables(rows: size)
            defer { tables.remove() }
            let enriched = NormalisingRun(bodies: bodies, catalogue: .builtIn, enrichment: try tables.enrichment())
            let (with, without) = NormalisingRun.compare(enriched, full, for: limit)
            report.add("enrichment_ns_per_event_\(size)_rows", BenchReport.number(max(0, with - without) * 1e9))
        }
        report.print(asJSON: output.json)
    }

    private func bodies() throws -> [[UInt8]] {
        let lines: [ArraySlice<UInt8>]
        if let file {
            lines = try Self.lines(of: file, atMost: events)
        } else {
            let day = QuietDay(seed: 1, endingAt: Timestamp(seconds: 1_760_000_000)).events.map {
                Array($0.body.utf8)[...]
            }
            lines = (0..<events).map { day[$0 % day.count] }
        }
        return stride(from: 0, to: lines.count, by: batch).map { start in
            Array(lines[start..<min(start + batch, lines.count)].joined(separator: [UInt8(ascii: "\n")]))
        }
    }
}

extension BenchNormaliseCommand {
    /// The first lines of a file, which may be far larger than memory.
    private static func lines(of file: String, atMost count: Int) throws -> [ArraySlice<UInt8>] {
        guard let handle = FileHandle(forReadingAtPath: file) else {
            throw CommandFailure(.refused, "\(file): cannot be read")
        }
        defer { try? handle.close() }
        var lines: [ArraySlice<UInt8>] = []
        var rest: [UInt8] = []
        while lines.count < count, let data = try handle.read(upToCount: 8 << 20), !data.isEmpty {
            rest += data
            guard let last = rest.lastIndex(of: UInt8(ascii: "\n")) else { continue }
            lines += rest[..<last].split(separator: UInt8(ascii: "\n"))
            rest = Array(rest[(last + 1)...])
        }
        if lines.count < count, !rest.isEmpty { lines.append(rest[...]) }
        return Array(lines.prefix(count))
    }
}

/// Bodies before the connectors of a catalogue, on one thread.
struct NormalisingRun {
    struct Census {
        var events = 0
        var refusals = 0
        var bytes = 0
        var connectors: [String: Int] = [:]
    }

    let bodies: [[UInt8]]
    let catalogue: ConnectorCatalogue
    var enrichment = Enrichment.none

    /// Reads everything once: what the events are, and memory and caches are as they stay.
    func census() -> Census {
        var census = Census()
        let reader = DeliveryReader(catalogue: catalogue)
        for body in bodies {
            read(body, reader) { event in
                census.events += 1
                census.bytes += event.payload.count
                census.connectors[event.connector.name, default: 0] += 1
            } onRefusal: {
                census.refusals += 1
            }
        }
        return census
    }

    /// The core's seconds for an event of two runs over the same bodies, measured in turns; each is the median of its rounds.
    static func compare(_ left: NormalisingRun, _ right: NormalisingRun, for limit: Duration) -> (Double, Double) {
        let readers = (DeliveryReader(catalogue: left.catalogue), DeliveryReader(catalogue: right.catalogue))
        _ = (left.round(readers.0), right.round(readers.1))
        let end = ContinuousClock.now + limit + limit
        var rounds: ([Double], [Double]) = ([], [])
        repeat {
            rounds.0.append(left.round(readers.0))
            rounds.1.append(right.round(readers.1))
        } while ContinuousClock.now < end
        return (median(rounds.0), median(rounds.1))
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private func round(_ reader: DeliveryReader) -> Double {
        var events = 0
        let start = Self.coreSeconds()
        for body in bodies {
            read(body, reader) { _ in
                events += 1
            } onRefusal: {
            }
        }
        return (Self.coreSeconds() - start) / Double(max(events, 1))
    }

    private func read(
        _ body: [UInt8], _ reader: DeliveryReader, onEvent: (DeliveryReader.Event) -> Void, onRefusal: () -> Void
    ) {
        body.withUnsafeBytes { body in
            do {
                try reader.read(
                    body, headers: DeliveryHeaders(), connector: nil,
                    onEvent: { record, event in
                        if !enrichment.isEmpty { enrichment.enrich(&record, source: "bench") }
                        onEvent(event)
                    }, onRefusal: { _ in onRefusal() })
            } catch {
                preconditionFailure("nothing in these closures throws: \(error)")
            }
        }
    }

    /// How long this thread has computed.
    private static func coreSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

/// Made-up tables of repositories, networks and people, in a directory of their own. They know many of the made-up events, and
/// events of a file as it happens.
struct NormalisingTables {
    static let count = 3

    private let directory: URL

    init(rows: Int) throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("custody-tables-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        var repositories = "vcs.repo,app.env,ext.owner,ext.tier\n*,unknown,nobody,4\n"
        var networks = "client.ip,ext.site\n10.0.0.0/8,company\n"
        var people = "actor.name|actor.id|actor.email,ext.person\n*,somebody\n"
        for row in 1..<rows {
            repositories += "company/service-\(row),prod,team-\(row % 97),\(row % 3 + 1)\n"
            networks += "10.\(row >> 16 & 255).\(row >> 8 & 255).\(row & 255),site-\(row % 89)\n"
            people += "dev-\(row)|dev-\(row)@company.example,Person \(row)\n"
        }
        for (name, text) in [("repositories", repositories), ("networks", networks), ("people", people)] {
            try Data(text.utf8).write(to: directory.appendingPathComponent(name + ".csv"))
        }
    }

    func enrichment() throws -> Enrichment { try Enrichment(directories: [directory.path]) }

    func remove() { try? FileManager.default.removeItem(at: directory) }
}
