import ArgumentParser

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure this machine: ingest, search, detection and mapping.",
        discussion: """
            `ingest` and `search` start a server of their own on a throw-away directory, load it over HTTP with durable acknowledgements, and print \
            the figures with the environment they were measured in. Client and server share the machine's cores.
            """,
        subcommands: [
            BenchIngestCommand.self, BenchSearchCommand.self, BenchStoreCommand.self, BenchDetectCommand.self,
            BenchLedgerCommand.self, BenchNormaliseCommand.self,
        ])
}

/// What both benchmarks take.
struct BenchOptions: ParsableArguments {
    @Option(help: "Events to load.")
    var events = 200_000
    @Option(help: "Events in one request.")
    var batch = 1_000
    @Option(help: "Requests in flight.")
    var connections = 4
    @Option(help: ArgumentHelp("Take events from an NDJSON file instead of making them up.", valueName: "file"))
    var file: String?
    @Option(help: ArgumentHelp("Where the throw-away directory is made.", valueName: "dir"))
    var directory: String = "/tmp"

    func validate() throws {
        guard events > 0, batch > 0, batch <= 50_000, (1...64).contains(connections) else {
            throw ValidationError("events and batch (at most 50,000) are positive, connections are 1 to 64")
        }
    }
}

struct BenchIngestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest", abstract: "Events a second, acknowledgement times, memory, bytes and CPU per event.")

    @OptionGroup var options: BenchOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Single deliveries a second in the second part.")
    var rate = 500
    @Option(help: "Seconds of single deliveries.")
    var seconds = 5

    func run() async throws {
        let server = try await BenchServer.start(in: options.directory)
        defer { server.stop() }
        var report = BenchReport()
        let load = try await BenchLoad(server: server, options: options).run()
        report.add("events", "\(load.events)")
        report.add("events_per_second", BenchReport.number(load.eventsPerSecond))
        report.add("searchable_after_ms", BenchReport.number(load.searchableAfter))
        report.add("ack_p50_ms", BenchReport.number(load.latencies.percentile(50)))
        report.add("ack_p99_ms", BenchReport.number(load.latencies.percentile(99)))
        report.add("server_cpu_us_per_event", BenchReport.number(load.serverCPU / Double(load.events) * 1e6))
        report.add("server_peak_mib", BenchReport.number(server.peakMemory / 1_048_576))
        report.add("disk_bytes_per_event", BenchReport.number(Double(server.diskBytes) / Double(load.events)))
        let singles = try await BenchLoad(server: server, options: options).singles(rate: rate, seconds: seconds)
        report.add("single_rate", "\(rate)")
        report.add("single_p50_ms", BenchReport.number(singles.percentile(50)))
        report.add("single_p99_ms", BenchReport.number(singles.percentile(99)))
        report.add("restart_ms", BenchReport.number(try await server.restart()))
        report.print(asJSON: output.json)
    }
}

struct BenchSearchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "The time of typical searches and completions over the loaded events, HTTP included.",
        discussion: """
            Figures are medians in milliseconds. With --cold, which needs root on Linux, the first run of each search after the page cache \
            was dropped is printed too.
            """)

    @OptionGroup var options: BenchOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Runs of each query; the median counts.")
    var runs = 5
    @Flag(help: "Also measure first runs after dropping the page cache of the machine.")
    var cold = false

    func run() async throws {
        let server = try await BenchServer.start(in: options.directory)
        defer { server.stop() }
        var report = BenchReport()
        let load = try await BenchLoad(server: server, options: options).run()
        report.add("events", "\(load.events)")
        server.resetPeakMemory()
        for query in BenchEvents.queries(digest: BenchEvents.firstDigest) {
            if cold {
                try BenchServer.dropPageCache()
                let first = try await Self.time { try await server.search(query) }
                report.add("cold: " + query, BenchReport.number(first) + " ms")
            }
            report.add(query, BenchReport.number(try await median { try await server.search(query) }) + " ms")
        }
        for (field, prefix) in BenchEvents.completions {
            let time = try await median { try await server.complete(field, prefix) }
            report.add("values of \(field) \(prefix)*", BenchReport.number(time) + " ms")
        }
        report.add(
            "fields",
            BenchReport.number(try await median { try await server.send("GET", "/v1/fields", body: nil) }) + " ms")
        report.add("server_peak_mib", BenchReport.number(server.peakMemory / 1_048_576))
        report.print(asJSON: output.json)
    }

    private func median(_ body: () async throws -> Void) async throws -> Double {
        var times = BenchLatencies()
        for _ in 0..<max(runs, 1) { times.add(.milliseconds(try await Self.time(body))) }
        return times.percentile(50)
    }

    /// Milliseconds.
    private static func time(_ body: () async throws -> Void) async throws -> Double {
        let start = ContinuousClock.now
        try await body()
        return (ContinuousClock.now - start).milliseconds
    }
}
