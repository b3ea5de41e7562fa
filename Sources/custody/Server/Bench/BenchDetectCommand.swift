import ArgumentParser
import Detection
import EventModel
import Foundation

/// `custody bench detect`.
struct BenchDetectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detect",
        abstract: "Events a second that one core holds against rules, with and without reading their JSON.",
        discussion: """
            Needs no server. Events are what their connectors make of them, held in memory; each is judged in turn, as the \
            server does it. Time for reading JSON is measured apart.

            Examples:
              custody bench detect
              custody bench detect --rules sigma/rules --file audit.ndjson
            """)

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Rule files or directories; without, those that come with Custody.", valueName: "path"))
    var rules: [String] = []
    @Option(help: ArgumentHelp("Take events from an NDJSON file instead of making them up.", valueName: "file"))
    var file: String?
    @Option(help: ArgumentHelp("Values of placeholders: JSON, name to list of values.", valueName: "file"))
    var vars: String?
    @Option(help: "Events to make up.")
    var events = 20_000
    @Option(help: "Seconds to measure.")
    var seconds = 5.0
    @Flag(help: "Hold every rule against every event, wherever it comes from.")
    var ignoreLogsource = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard events > 0, events <= 5_000_000, seconds > 0, seconds <= 600 else {
            throw ValidationError("events are 1 to 5,000,000, seconds up to 600")
        }
    }

    func run() async throws {
        let console = CommandContext.current.console
        var report = BenchReport()
        let clock = ContinuousClock()
        let loaded = clock.now
        let variables = try RuleVariables.read(vars)
        var set = RuleSet()
        for path in rules { set = set.adding(try RuleFiles.load(path, variables)) }
        if rules.isEmpty { set = BuiltInRules.load() }
        report.add("rules", "\(set.rules.count)")
        report.add("rules_refused", "\(set.errors.count)")
        report.add("rules_dormant", "\(set.dormant.count)")
        report.add("load_ms", BenchReport.number((clock.now - loaded) / .milliseconds(1)))
        let run = DetectionRun(
            engine: DetectionEngine(set), events: try sealedEvents(console), ignoresLogSource: ignoreLogsource)
        report.add("first_pass_ms", BenchReport.number(run.pass() / .milliseconds(1)))
        let result = run.measure(for: .seconds(seconds))
        report.add("events", "\(run.events.count)")
        report.add("payload_bytes_per_event", BenchReport.number(result.payloadBytes))
        report.add("events_per_second", BenchReport.number(1 / result.judging))
        report.add("events_per_second_with_json", BenchReport.number(1 / (result.judging + result.reading)))
        // As if no value had ever come before: the other end of what real logs are.
        let unseen = DetectionRun(
            engine: DetectionEngine(set, rememberedValues: 4), events: run.events, ignoresLogSource: ignoreLogsource)
        _ = unseen.pass()
        report.add(
            "events_per_second_new_values",
            BenchReport.number(1 / unseen.measure(for: .seconds(seconds)).judging))
        report.add("microseconds_per_event", BenchReport.number(result.judging * 1e6))
        report.add("matches_per_event", String(format: "%.4f", result.matches))
        let alerts = DetectionRun(
            engine: DetectionEngine(set), events: run.events, ignoresLogSource: ignoreLogsource
        ).alerts()
        for severity in Severity.allCases.reversed() {
            report.add("alerts_\(severity.rawValue)", "\(alerts[severity] ?? 0)")
        }
        report.add("reload_ms", BenchReport.number(run.reload(set) / .milliseconds(1)))
        report.add("state_bytes", "\(run.engine.usage.bytes)")
        report.print(asJSON: output.json)
    }

    private func sealedEvents(_ console: Console) throws -> [[UInt8]] {
        let sealing = EventSealing(received: CommandContext.current.now())
        var sealed: [[UInt8]] = []
        func add(_ bytes: UnsafeRawBufferPointer) {
            for line in bytes.split(separator: UInt8(ascii: "\n")) {
                if let event = try? sealing.seal(UnsafeRawBufferPointer(rebasing: line)) { sealed.append(event) }
            }
        }
        if let file {
            guard let data = FileManager.default.contents(atPath: file) else {
                throw CommandFailure(.refused, "\(file): cannot be read")
            }
            data.withUnsafeBytes(add)
        } else {
            let body = BenchEvents(count: events, seed: 1, endingAt: Date(timeIntervalSince1970: 1_760_000_000)).body(
                firstID: 0)
            body.withUnsafeBytes(add)
        }
        guard !sealed.isEmpty else { throw CommandFailure(.refused, "\(file ?? ""): no event can be read") }
        return sealed
    }
}

/// Sealed events before an engine, on one thread.
struct DetectionRun {
    struct Result {
        /// Seconds for one event.
        var judging = 0.0
        var reading = 0.0
        /// Per event.
        var matches = 0.0
        var payloadBytes = 0.0
    }

    let engine: DetectionEngine
    let events: [[UInt8]]
    let ignoresLogSource: Bool

    /// One look at every event; programs are made and caches are filled.
    func pass() -> Duration {
        let clock = ContinuousClock()
        let start = clock.now
        var result = Result()
        round(&result)
        return clock.now - start
    }

    /// How many alerts the events raise, one for each rule and group; signals and what is found while learning left out.
    func alerts() -> [Severity: Int] {
        var groups: [Severity: Set<[String]>] = [:]
        var result = Result()
        round(&result) { match in
            guard !match.rule.raisesSignals, !match.isLearning else { return }
            let group = match.group.flatMap { [$0.name, $0.value.lowercased()] }
            groups[match.rule.severity, default: []].insert([match.rule.key] + group)
        }
        return groups.mapValues(\.count)
    }

    /// Rounds over all events until the time is over; the figures are those of the median round.
    func measure(for limit: Duration) -> Result {
        let clock = ContinuousClock()
        let end = clock.now + limit
        var rounds: [Result] = []
        repeat {
            var result = Result()
            round(&result)
            rounds.append(result)
        } while clock.now < end
        let sorted = rounds.sorted { $0.judging < $1.judging }
        return sorted[sorted.count / 2]
    }

    private func round(_ result: inout Result, onMatch: (RuleMatch) -> Void = { _ in }) {
        let parser = JSONParser()
        let clock = ContinuousClock()
        var judging = Duration.zero
        var matches: [RuleMatch] = []
        var found = 0
        var bytes = 0
        let start = clock.now
        for (position, event) in events.enumerated() {
            event.withUnsafeBytes { event in
                guard let view = try? SealedView(event), let payload = view.payload else { return }
                bytes += payload.count
                _ = try? parser.withDocument(payload) { root in
                    let begun = clock.now
                    let index = LeafIndex(UInt64(position))
                    if ignoresLogSource {
                        engine.evaluateIgnoringSource(payload: root, view: view, index: index, into: &matches)
                    } else {
                        engine.evaluate(view, payload: root, index: index, into: &matches)
                    }
                    judging += clock.now - begun
                }
            }
            found += matches.count
            if !matches.isEmpty { matches.forEach(onMatch) }
            matches.removeAll(keepingCapacity: true)
        }
        let count = Double(events.count)
        result.judging = judging / .seconds(1) / count
        result.reading = (clock.now - start - judging) / .seconds(1) / count
        result.matches = Double(found) / count
        result.payloadBytes = Double(bytes) / count
    }

    /// Puts the rules in force anew and judges one event of every kind.
    func reload(_ set: RuleSet) -> Duration {
        let clock = ContinuousClock()
        let start = clock.now
        engine.replace(with: set)
        var result = Result()
        DetectionRun(engine: engine, events: Array(events.prefix(1)), ignoresLogSource: ignoresLogSource).round(&result)
        return clock.now - start
    }
}
