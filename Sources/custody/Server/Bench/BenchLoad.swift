import Foundation
import Synchronization

/// Sends events as fast as they are acknowledged, or one by one at a steady rate.
struct BenchLoad {
    struct Outcome {
        var events: Int
        var eventsPerSecond: Double
        var latencies: BenchLatencies
        /// Milliseconds from the last acknowledgement until a count found everything.
        var searchableAfter: Double
        /// Seconds of the server's CPU.
        var serverCPU: Double
    }

    /// Different batches held in memory.
    private static let templates = 16

    let server: BenchServer
    let options: BenchOptions

    func run() async throws -> Outcome {
        let feed = try BenchFeed(options: options, templates: Self.templates)
        let cpu = server.cpuSeconds
        let start = ContinuousClock.now
        let latencies = try await withThrowingTaskGroup(of: BenchLatencies.self) { group in
            for _ in 0..<options.connections {
                group.addTask {
                    var latencies = BenchLatencies()
                    while let body = feed.next() {
                        let sent = ContinuousClock.now
                        try await server.send("POST", "/v1/events?source=bench", body: body)
                        latencies.add(ContinuousClock.now - sent)
                    }
                    return latencies
                }
            }
            return try await group.reduce(into: BenchLatencies()) { $0.merge($1) }
        }
        let seconds = (ContinuousClock.now - start).milliseconds / 1_000
        let searchable = try await server.waitUntilSearchable(feed.sent)
        return Outcome(
            events: feed.sent, eventsPerSecond: Double(feed.sent) / seconds, latencies: latencies,
            searchableAfter: searchable, serverCPU: server.cpuSeconds - cpu)
    }

    /// Deliveries of one event each, begun at a steady rate whether or not earlier ones have been answered.
    func singles(rate: Int, seconds: Int) async throws -> BenchLatencies {
        let template = BenchEvents(count: 1, seed: 99, endingAt: Date())
        let start = ContinuousClock.now
        return try await withThrowingTaskGroup(of: Duration.self) { group in
            for number in 0..<rate * seconds {
                let due = start + .seconds(Double(number) / Double(rate))
                try await Task.sleep(until: due, tolerance: .zero, clock: .continuous)
                group.addTask {
                    let sent = ContinuousClock.now
                    let body = template.body(firstID: 1 << 60 | UInt64(number))
                    try await server.send("POST", "/v1/events?source=bench", body: body)
                    return ContinuousClock.now - sent
                }
            }
            return try await group.reduce(into: BenchLatencies()) { $0.add($1) }
        }
    }
}

/// Hands out bodies until enough events were sent.
final class BenchFeed: Sendable {
    private struct State {
        var sent = 0
        var batches = 0
        var file: Data?
        var offset = 0
    }

    private let options: BenchOptions
    private let templates: [BenchEvents]
    private let state: Mutex<State>

    init(options: BenchOptions, templates: Int) throws {
        self.options = options
        var initial = State()
        if let path = options.file {
            initial.file = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
            self.templates = []
        } else {
            let now = Date()
            self.templates = (0..<templates).map {
                BenchEvents(count: options.batch, seed: UInt64($0) + 1, endingAt: now)
            }
        }
        state = Mutex(initial)
    }

    var sent: Int { state.withLock { $0.sent } }

    func next() -> [UInt8]? {
        let made = state.withLock { state -> (template: Int, first: UInt64, body: [UInt8]?)? in
            guard state.sent < options.events else { return nil }
            if state.file != nil {
                guard let body = lines(&state) else { return nil }
                return (0, 0, body)
            }
            defer {
                state.batches += 1
                state.sent += options.batch
            }
            return (state.batches % templates.count, UInt64(state.batches * options.batch), nil)
        }
        guard let made else { return nil }
        return made.body ?? templates[made.template].body(firstID: made.first)
    }

    private func lines(_ state: inout State) -> [UInt8]? {
        guard let file = state.file, state.offset < file.count else { return nil }
        var end = state.offset
        var count = 0
        file.withUnsafeBytes { bytes in
            while end < bytes.count, count < min(options.batch, options.events - state.sent) {
                // memchr, so that finding the lines costs next to nothing of the cores that client and server share.
                if let newline = memchr(bytes.baseAddress! + end, 10, bytes.count - end) {
                    end = UnsafeRawPointer(newline) - bytes.baseAddress! + 1
                } else {
                    end = bytes.count
                }
                count += 1
            }
        }
        defer {
            state.offset = end
            state.sent += count
        }
        return Array(file[(file.startIndex + state.offset)..<(file.startIndex + end)])
    }
}

/// Durations, for percentiles.
struct BenchLatencies: Sendable {
    private var milliseconds: [Double] = []

    mutating func add(_ duration: Duration) { milliseconds.append(duration.milliseconds) }
    mutating func merge(_ other: BenchLatencies) { milliseconds += other.milliseconds }

    /// The nearest-rank percentile in milliseconds; 0 without measurements.
    func percentile(_ percent: Double) -> Double {
        guard !milliseconds.isEmpty else { return 0 }
        let rank = Int((percent / 100 * Double(milliseconds.count)).rounded(.up))
        return milliseconds.sorted()[max(rank, 1) - 1]
    }
}

extension Duration {
    var milliseconds: Double { Double(components.seconds) * 1_000 + Double(components.attoseconds) * 1e-15 }
}
